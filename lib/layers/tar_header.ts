/**
 * Header blocks of tar (POSIX ustar, GNU tar, v7), parsed in place: Go's
 * archive/tar decides what is well formed, as it reads the layers of everybody else.
 *
 * @module
 */

import { LayerError } from "./layer_error.ts";
import { parseTarNumber } from "./tar_number.ts";

export const blockBytes = 512;

/** One header block. Texts are Latin-1: one character for each byte. */
export interface TarHeader {
  readonly format: "v7" | "ustar" | "gnu";
  /** The type's character, `"0"` for a file; v7's NUL is kept as such. */
  readonly type: string;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly user: number;
  readonly group: number;
  readonly sizeBytes: number;
  /** Seconds since 1970; may be negative. */
  readonly modified: number;
  /** Of devices alone. */
  readonly major: number;
  readonly minor: number;
}

/** Whether a block is all zeros: two of them end an archive. */
export function isZeroBlock(block: Uint8Array, at: number): boolean {
  for (let index = at; index < at + blockBytes; index++) if (block[index] !== 0) return false;
  return true;
}

/**
 * Parses the header at `at`.
 *
 * @throws {LayerError} when it is none.
 */
export function parseTarHeader(block: Buffer, at: number): TarHeader {
  checkSum(block, at);
  let format = formatOf(block, at);
  const type = String.fromCharCode(block[at + 156] ?? 0);
  const name = text(block, at, 100);
  const gnuPrefix = format === "gnu" ? prefixInGnu(block, at) : "";
  if (gnuPrefix !== "") format = "ustar";
  const isDevice = type === "3" || type === "4";
  return {
    format,
    type,
    name: format === "ustar" ? withPrefix(block, at, name) : name,
    linkName: text(block, at + 157, 100),
    mode: parseTarNumber(block, at + 100, 8),
    user: parseTarNumber(block, at + 108, 8),
    group: parseTarNumber(block, at + 116, 8),
    sizeBytes: parseTarNumber(block, at + 124, 12),
    modified: parseTarNumber(block, at + 136, 12),
    major: isDevice && format !== "v7" ? parseTarNumber(block, at + 329, 8) : 0,
    minor: isDevice && format !== "v7" ? parseTarNumber(block, at + 337, 8) : 0,
  };
}

/** The sum of all bytes, the sum's own field taken as blanks; old tars took bytes as signed. */
function checkSum(block: Uint8Array, at: number): void {
  let sum = 8 * 0x20;
  for (let index = at; index < at + 148; index++) sum += block[index] ?? 0;
  for (let index = at + 156; index < at + blockBytes; index++) sum += block[index] ?? 0;
  const expected = parseTarNumber(block, at + 148, 8);
  if (sum === expected) return;
  for (let index = at; index < at + blockBytes; index++) {
    const byte = block[index] ?? 0;
    if (byte > 127 && (index < at + 148 || index >= at + 156)) sum -= 256;
  }
  if (sum !== expected) throw new LayerError("the checksum of a header is wrong: it is damaged");
}

function formatOf(block: Uint8Array, at: number): TarHeader["format"] {
  // "ustar" NUL "00" is POSIX, "ustar" and two blanks is GNU.
  const isUstar =
    block[at + 257] === 0x75 &&
    block[at + 258] === 0x73 &&
    block[at + 259] === 0x74 &&
    block[at + 260] === 0x61 &&
    block[at + 261] === 0x72;
  if (!isUstar) return "v7";
  if (block[at + 262] === 0 && block[at + 263] === 0x30 && block[at + 264] === 0x30) return "ustar";
  const isGnu = block[at + 262] === 0x20 && block[at + 263] === 0x20 && block[at + 264] === 0;
  return isGnu ? "gnu" : "v7";
}

function withPrefix(block: Buffer, at: number, name: string): string {
  if (block[at + 345] === 0) return name;
  // Schily's star marks its headers at their end, and keeps two times behind a shorter prefix.
  const isStar = block.toString("latin1", at + 508, at + 512) === "tar\0";
  const prefix = text(block, at + 345, isStar ? 131 : 155);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/**
 * Go before 1.8 wrote a prefix into headers that it marked as GNU's, which have
 * two times there: what cannot be a time is a prefix (golang/go, archive/tar/reader.go).
 */
function prefixInGnu(block: Buffer, at: number): string {
  if (block[at + 345] === 0 && block[at + 357] === 0) return "";
  try {
    parseTarNumber(block, at + 345, 12);
    parseTarNumber(block, at + 357, 12);
    return "";
  } catch {
    const prefix = text(block, at + 345, 155);
    return /^[\x01-\x7f]*$/.test(prefix) ? prefix : "";
  }
}

function text(block: Buffer, at: number, length: number): string {
  let end = at;
  while (end < at + length && block[end] !== 0) end++;
  return block.toString("latin1", at, end);
}
