/**
 * Headers of a tar stream for busybox, which knows GNU's long names but no PAX headers. Owners stand there in
 * numbers alone: a name would be looked up in the machine.
 *
 * @module
 */

import { BLOCK_BYTES } from "../image/ustar.ts";

/** What a header says. Names are bytes, as the kernel has them. */
export interface TarHead {
  readonly type: "file" | "directory" | "link";
  readonly name: Uint8Array;
  readonly linkName?: Uint8Array | undefined;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Whole seconds since 1970. */
  readonly modified: number;
}

const types = { file: "0", link: "2", directory: "5" } as const;
/** A name's field has room for its NUL too. */
const longestName = 99;

/** The header blocks of an entry, its long names in front of it. */
export function renderTarHead(head: TarHead): Uint8Array {
  const { type, name, linkName = new Uint8Array(), mode, uid, gid, sizeBytes, modified } = head;
  return Buffer.concat([
    ...longName("K", linkName),
    ...longName("L", name),
    block(types[type], name, linkName, { mode, uid, gid, sizeBytes, modified }),
  ]);
}

/** The two blocks of zeros at a stream's end. */
export const tarEnd: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

function longName(type: "K" | "L", name: Uint8Array): Uint8Array[] {
  if (name.length <= longestName) return [];
  const content = new Uint8Array(Math.ceil((name.length + 1) / BLOCK_BYTES) * BLOCK_BYTES);
  content.set(name);
  const numbers = { mode: 0, uid: 0, gid: 0, sizeBytes: name.length + 1, modified: 0 };
  return [block(type, Buffer.from("././@LongLink"), new Uint8Array(), numbers), content];
}

function block(
  type: string,
  name: Uint8Array,
  linkName: Uint8Array,
  numbers: Pick<TarHead, "mode" | "uid" | "gid" | "sizeBytes" | "modified">,
): Uint8Array {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.set(name.subarray(0, longestName), 0);
  putNumber(bytes, 100, 8, numbers.mode);
  putNumber(bytes, 108, 8, numbers.uid);
  putNumber(bytes, 116, 8, numbers.gid);
  putNumber(bytes, 124, 12, numbers.sizeBytes);
  putNumber(bytes, 136, 12, Math.max(0, numbers.modified));
  bytes.fill(" ", 148, 156);
  bytes.write(type, 156, "latin1");
  bytes.set(linkName.subarray(0, longestName), 157);
  bytes.write("ustar  \0", 257, "latin1");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}

/** Octal digits and a NUL, or base-256 where they do not suffice. */
function putNumber(bytes: Buffer, at: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (digits.length < length) {
    bytes.write(`${digits.padStart(length - 1, "0")}\0`, at, "latin1");
    return;
  }
  bytes.writeUInt8(0x80, at);
  for (let index = length - 1, left = value; index > 0; index--, left = Math.floor(left / 256))
    bytes.writeUInt8(left % 256, at + index);
}
