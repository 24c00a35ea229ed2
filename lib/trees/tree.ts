/**
 * Root trees as wholes: made, sealed, cloned. Their removal is
 * {@linkcode "remove_tree.ts"}.
 *
 * @module
 */

import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import {
  isOnBtrfs,
  isSubvolume,
  makeSnapshot,
  makeSubvolume,
  setReadOnly,
  withDirectory,
} from "./btrfs.ts";
import { copyTree } from "./copy_tree.ts";
import { requireFreePath } from "./root_tree.ts";
import { interrupted } from "../host/run.ts";
import { ioctl } from "../host/libc.ts";
import type { Spawn } from "../host/spawn.ts";

/**
 * What a clone costs: nothing, whatever the size ("snapshot"); the names, while
 * the content is shared ("reflink"); everything ("copy").
 */
export type CloneKind = "snapshot" | "reflink" | "copy";

/** What the file system offers on which a folder lies: found by trying, with two files that have no name. */
export function cloneKind(folder: string): CloneKind {
  if (isOnBtrfs(folder)) return "snapshot";
  return canReflink(folder) ? "reflink" : "copy";
}

/** linux/magic.h: ext2 to ext4, tmpfs. They share no blocks: nothing has to be tried. */
const sharesNoBlocks = [0xef53, 0x01021994];
/** asm-generic/fcntl.h: a file without a name; the bit of O_DIRECTORY belongs to it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const FICLONE = 0x40049409;

function canReflink(folder: string): boolean {
  if (sharesNoBlocks.includes(statfsSync(folder).type)) return false;
  const files: number[] = [];
  try {
    const open = () => {
      const file = openSync(folder, O_TMPFILE | constants.O_RDWR, 0o600);
      files.push(file);
      return file;
    };
    const [from, to] = [open(), open()];
    writeSync(from, new Uint8Array(4096));
    ioctl(to, FICLONE, from);
    return true;
  } catch {
    return false;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** Makes an empty root tree, 0700: a subvolume of its own on btrfs, so that quotas and snapshots are its own too. */
export function makeTree(path: string): void {
  requireFreePath(path);
  if (isOnBtrfs(dirname(path))) makeSubvolume(path);
  else mkdirSync(path, { mode: 0o700 });
  chmodSync(path, 0o700);
}

/** Makes a finished tree read-only, where the file system can: a subvolume of btrfs. */
export function sealTree(path: string): void {
  if (!isSubvolume(path)) return;
  withDirectory(path, (directory) => setReadOnly(directory, true));
}

export interface CloneTreeOptions {
  readonly spawn: Spawn;
  readonly signal?: AbortSignal | undefined;
  /** Told of what could not be kept. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/**
 * Makes a writable tree that equals another, in which nobody writes: a snapshot,
 * or a copy that shares its content, or a copy. Subvolumes of btrfs in it, as a
 * machine may make them, are part of the clone.
 *
 * What was written may not lie on the disk yet. A failed or interrupted clone
 * leaves `to` behind, for removeTree().
 *
 * @throws {MbctlError} (conflict) when `to` exists, (failed) with what could not be copied, (interrupted).
 */
export async function cloneTree(
  from: string,
  to: string,
  options: CloneTreeOptions,
): Promise<void> {
  requireFreePath(to);
  if (options.signal?.aborted) throw interrupted();
  const kind = cloneKind(dirname(to));
  if (kind === "snapshot" && isSubvolume(from) && trySnapshot(from, to)) return;
  makeTree(to);
  await copyTree(from, to, { ...options, reflink: kind !== "copy" });
}

/** @returns false when the two lie on different file systems. */
function trySnapshot(from: string, to: string): boolean {
  try {
    makeSnapshot(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EXDEV") return false;
    throw error;
  }
}
