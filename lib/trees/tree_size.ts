/**
 * The room that a tree takes on its disk, and how much of it nothing else shares.
 *
 * @module
 */

import { closeSync, constants, lstatSync, openSync, readdirSync } from "node:fs";
import { ioctl } from "../host/libc.ts";
import { cloneKind } from "./tree.ts";

export interface TreeSize {
  /** The blocks of all files. */
  readonly bytes: number;
  /** Those of them that go with it: no other file shares them. */
  readonly ownBytes: number;
}

/** linux/fiemap.h */
const FS_IOC_FIEMAP = 0xc020660b;
const FIEMAP_EXTENT_LAST = 0x1;
const FIEMAP_EXTENT_SHARED = 0x2000;
/** PATH_MAX of linux/limits.h, less the final NUL. */
const longestPath = 4095;
const headBytes = 32;
const extentBytes = 56;
const extentsAtOnce = 64;

/**
 * Measures a tree in which nobody writes. No link is followed. What lies deeper than a path can be long counts nothing.
 */
export function treeSize(tree: string): TreeSize {
  const shares = cloneKind(tree) !== "copy";
  const seen = new Set<bigint>();
  let [bytes, ownBytes] = [0, 0];
  const walk = (path: Buffer<ArrayBuffer>) => {
    if (path.length > longestPath) return;
    const entry = lstatSync(path, { bigint: true });
    if (entry.nlink > 1n && !entry.isDirectory()) {
      if (seen.has(entry.ino)) return;
      seen.add(entry.ino);
    }
    const allocated = Number(entry.blocks) * 512;
    const shared = shares && entry.isFile() && allocated > 0 ? sharedBytes(path) : 0;
    bytes += allocated;
    ownBytes += Math.max(0, allocated - shared);
    if (!entry.isDirectory()) return;
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      walk(Buffer.concat([path, Buffer.from("/"), name]));
    }
  };
  walk(Buffer.from(tree));
  return { bytes, ownBytes };
}

/** What a file shares with others, in bytes: ioctl_fiemap(2) tells it of each extent. */
function sharedBytes(path: Buffer<ArrayBuffer>): number {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NOATIME);
  try {
    let shared = 0n;
    for (let from = 0n; ;) {
      const request = new Uint8Array(headBytes + extentsAtOnce * extentBytes);
      const view = new DataView(request.buffer);
      view.setBigUint64(0, from, true);
      view.setBigUint64(8, 0xffff_ffff_ffff_ffffn - from, true);
      view.setUint32(24, extentsAtOnce, true);
      ioctl(file, FS_IOC_FIEMAP, request);
      const count = view.getUint32(20, true);
      if (count === 0) return Number(shared);
      for (let at = headBytes; at < headBytes + count * extentBytes; at += extentBytes) {
        const [start, length] = [view.getBigUint64(at, true), view.getBigUint64(at + 16, true)];
        const flags = view.getUint32(at + 40, true);
        if (flags & FIEMAP_EXTENT_SHARED) shared += length;
        if (flags & FIEMAP_EXTENT_LAST) return Number(shared);
        from = start + length;
      }
    }
  } finally {
    closeSync(file);
  }
}
