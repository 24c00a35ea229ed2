/**
 * Which loader a program wants, and another one in its place (elf(5), System V ABI: PT_INTERP). Pure.
 *
 * A program whose loader is given in place, by the loader's own command line, would find the loader in /proc/self/exe, and
 * a compiled Bun reads its own code there.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";

/** A text in a file. */
export interface ElfInterpreter {
  /** The path of the loader. */
  readonly path: string;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
  /** How many bytes the file has for it, the NUL at its end among them. */
  readonly size: number;
}

const PT_INTERP = 3;
const headerSize = 64;
const entrySize = 56;

/**
 * Finds the loader of a program: 64 bits, little-endian, as x86-64 and arm64 are.
 *
 * @param bytes the beginning of the file, as far as its program headers and the loader's name reach.
 * @returns undefined for a static program, and for what is no such program.
 */
export function readInterpreter(bytes: Uint8Array): ElfInterpreter | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // 0x7f ELF, ELFCLASS64, ELFDATA2LSB.
  if (bytes.length < headerSize || view.getUint32(0) !== 0x7f454c46) return undefined;
  if (bytes[4] !== 2 || bytes[5] !== 1) return undefined;
  const start = Number(view.getBigUint64(32, true));
  const [size, count] = [view.getUint16(54, true), view.getUint16(56, true)];
  if (size < entrySize) return undefined;
  for (let index = 0; index < count; index++) {
    const at = start + index * size;
    if (at + entrySize > bytes.length) return undefined;
    if (view.getUint32(at, true) !== PT_INTERP) continue;
    const offset = Number(view.getBigUint64(at + 8, true));
    const length = Number(view.getBigUint64(at + 32, true));
    if (offset + length > bytes.length || length < 2) return undefined;
    const text = bytes.subarray(offset, offset + length);
    const end = text.indexOf(0);
    return end < 1
      ? undefined
      : { path: Buffer.from(text.subarray(0, end)).toString(), offset, size: length };
  }
  return undefined;
}

/**
 * The bytes that are to stand in the place of a loader's name.
 *
 * @throws {MbctlError} (host) when the file has no room for them.
 */
export function formatInterpreter(
  path: string,
  { size, path: present }: ElfInterpreter,
): Uint8Array {
  const text = Buffer.from(path);
  if (text.length + 1 > size) {
    throw new MbctlError(
      "host",
      `Cannot write the loader ${JSON.stringify(path)} in the place of ${JSON.stringify(present)}: it is longer`,
    );
  }
  return Buffer.concat([text], size);
}
