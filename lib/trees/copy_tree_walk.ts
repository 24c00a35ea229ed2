/**
 * Walks a tree that is to be copied, makes its directories, and deals the rest
 * as frames.
 *
 * @module
 */

import { FrameWriter } from "./copy_tree_frame.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  close,
  type FixedMemory,
  fixedMemory,
  makeDirectoryAt,
} from "../host/libc_at.ts";
import { DT_DIR, DT_REG, DT_UNKNOWN, eachEntry, readEntries, Stat } from "../host/libc_open.ts";
import { openPath } from "./open_path.ts";

/** Entries of one frame: few enough that both children end at about the same time. */
const recordsOfFrame = 128;
/** More than a few thousand directories in each other is no tree that anybody made in earnest. */
const longestPath = 512 * 1024;

/** One answer of the kernel fills no more than a frame. */
const listingBytes = 8 * 1024;

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

/** A walk; it can be asked for frames until there are none. */
export interface Walk {
  /** Frames with all that is no directory. The directories of a frame are made before it is given out. */
  readonly frames: Iterator<Uint8Array<ArrayBuffer>>;
  /** All directories found, by their paths below the root. */
  readonly directories: readonly Uint8Array[];
}

/** Begins a walk between two open roots. */
export function walkTree(from: number, to: number): Walk {
  const directories: Uint8Array[] = [];
  return { frames: walk(from, to, directories), directories };
}

function* walk(from: number, to: number, directories: Uint8Array[]) {
  const frame = new FrameWriter();
  const listing = fixedMemory(listingBytes);
  const stat = new Stat();
  const waiting: Uint8Array[] = [new Uint8Array()];
  for (;;) {
    const path = waiting.pop();
    if (path === undefined) break;
    directories.push(path);
    if (path.length > longestPath) throw new Error("the directories in each other are too many");
    const [source, target] = [openPath(from, path), openPath(to, path)];
    try {
      let isAnnounced = false;
      for (;;) {
        const length = readEntries(source, listing);
        if (length === 0) break;
        eachEntry(listing, length, (start, end, type) => {
          const name = listing.bytes.subarray(start, end);
          if (type === DT_UNKNOWN && isDirectory(source, listing, start, stat)) type = DT_DIR;
          if (type === DT_DIR) {
            makeDirectoryAt(target, listing.address + start, 0o700);
            waiting.push(joined(path, name));
          } else {
            if (!isAnnounced) frame.op("D").name(path);
            isAnnounced = true;
            frame.op(type === DT_REG ? "R" : "N").name(name);
          }
        });
        if (frame.isFull || frame.records > recordsOfFrame) {
          yield frame.take();
          isAnnounced = false;
        }
      }
    } finally {
      close(source);
      close(target);
    }
  }
  if (!frame.isEmpty) yield frame.take();
}

function isDirectory(directory: number, listing: FixedMemory, start: number, stat: Stat): boolean {
  const { mode } = stat.read(directory, listing.address + start, AT_SYMLINK_NOFOLLOW);
  return (mode & S_IFMT) === S_IFDIR;
}

/** A path of bytes: the parent's, a slash, the name. */
export function joined(parent: Uint8Array, name: Uint8Array): Uint8Array {
  if (parent.length === 0) return name.slice();
  const path = new Uint8Array(parent.length + 1 + name.length);
  path.set(parent);
  path[parent.length] = 0x2f;
  path.set(name, parent.length + 1);
  return path;
}
