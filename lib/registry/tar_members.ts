/**
 * Where the members of a tar file lie, so that one can be read without unpacking
 * the others (tar(5): ustar, PAX, GNU). Only plain files, and only by the names
 * that archives of images use; an archive is hostile until proven otherwise.
 *
 * @module
 */

import type { FileHandle } from "node:fs/promises";

const blockBytes = 512;
/** Longest PAX header or GNU name: a name of 4,096 bytes and what stands beside it. */
const headerLimitBytes = 64 * 1024;
/** Entries of an archive: each costs a read. */
const entryLimit = 200_000;

/** A plain file in an archive. */
export interface TarMember {
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * Lists the plain files of an archive by name, without a leading `./`. Of a name
 * that stands there twice the last counts, as with tar(1).
 *
 * @returns undefined when it is no tar file that can be read in place: a
 * compressed one, for instance.
 * @throws {Error} saying what is broken.
 */
export async function listTarMembers(
  file: FileHandle,
): Promise<ReadonlyMap<string, TarMember> | undefined> {
  const members = new Map<string, TarMember>();
  const fileBytes = (await file.stat()).size;
  if (fileBytes < blockBytes) return undefined;
  let next: { name?: string; sizeBytes?: number } = {};
  let entries = 0;
  for (let offset = 0; offset + blockBytes <= fileBytes;) {
    const block = await readAt(file, offset, blockBytes);
    if (block.every((byte) => byte === 0)) break;
    if (!hasChecksum(block)) {
      if (offset === 0) return undefined;
      throw new Error(`the archive is broken at byte ${offset}`);
    }
    if (++entries > entryLimit) throw new Error(`the archive has more than ${entryLimit} entries`);
    const type = String.fromCharCode(block[156] ?? 0);
    const isHeader = "xgLK".includes(type);
    const sizeBytes = (isHeader ? undefined : next.sizeBytes) ?? readNumber(block, 124, 12);
    const content = offset + blockBytes;
    if (content + sizeBytes > fileBytes) throw new Error("the archive is cut off");
    if (isHeader) {
      if (sizeBytes > headerLimitBytes) throw new Error(`a header has ${sizeBytes} bytes`);
      const bytes = await readAt(file, content, sizeBytes);
      if (type === "x") next = { ...next, ...readPax(bytes) };
      if (type === "L") next = { ...next, name: readText(bytes, 0, sizeBytes) };
    } else {
      const name = (next.name ?? readName(block)).replace(/^(\.\/)+/, "");
      if ("0\u00007".includes(type)) members.set(name, { offset: content, sizeBytes });
      // A link, a folder, … is no blob, and takes the place of one.
      else members.delete(name);
      next = {};
    }
    offset = content + Math.ceil(sizeBytes / blockBytes) * blockBytes;
  }
  return members;
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  if (bytesRead < length) throw new Error("the archive is cut off");
  return buffer;
}

/** The sum of the header's bytes, its own field as blanks. */
function hasChecksum(block: Buffer): boolean {
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  return (
    /^[0-7\0 ]+$/.test(block.toString("latin1", 148, 156)) && readNumber(block, 148, 8) === sum
  );
}

/** Octal digits, or base-256 (GNU) where the first bit is set. */
function readNumber(block: Buffer, offset: number, length: number): number {
  const bytes = block.subarray(offset, offset + length);
  if (((bytes[0] ?? 0) & 0x80) === 0) {
    const digits = readText(block, offset, length).trim();
    if (!/^[0-7]*$/.test(digits)) throw new Error(`${JSON.stringify(digits)} is no number`);
    return Number.parseInt(digits || "0", 8);
  }
  let value = (bytes[0] ?? 0) & 0x7f;
  for (const byte of bytes.subarray(1)) value = value * 256 + byte;
  if (!Number.isSafeInteger(value)) throw new Error("a member is too long");
  return value;
}

function readName(block: Buffer): string {
  const name = readText(block, 0, 100);
  const isUstar = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isUstar ? readText(block, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Up to the first NUL. */
function readText(block: Buffer, offset: number, length: number): string {
  const bytes = block.subarray(offset, offset + length);
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? length : end);
}

/** `LENGTH KEY=VALUE\n`, LENGTH counting itself (pax(1)). */
function readPax(bytes: Buffer): { name?: string; sizeBytes?: number } {
  const found: { name?: string; sizeBytes?: number } = {};
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const length = Number.parseInt(bytes.toString("latin1", at, at + 10), 10);
    const record = bytes.toString("utf8", at, at + length);
    const [, key, value = ""] = /^[0-9]+ ([^=]+)=([\s\S]*)\n$/.exec(record) ?? [];
    if (!(length > 0) || key === undefined) throw new Error("a PAX header is broken");
    if (key === "path") found.name = value;
    if (key === "size") {
      if (!/^[0-9]{1,15}$/.test(value)) throw new Error("a PAX header is broken");
      found.sizeBytes = Number(value);
    }
    if (key.startsWith("GNU.sparse.")) throw new Error("it has a sparse member");
    at += length;
  }
  return found;
}
