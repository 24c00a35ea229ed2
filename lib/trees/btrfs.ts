/**
 * Subvolumes of btrfs, by ioctl(2) alone (btrfs-ioctl(2), linux/btrfs.h): no
 * program of btrfs-progs is needed.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, rmdirSync, statfsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { ioctl } from "../host/libc.ts";
import { AT_EMPTY_PATH, fixedMemory, fixedName } from "../host/libc_at.ts";
import { setFileTimes, Stat } from "../host/libc_open.ts";
import { openPath } from "./open_path.ts";

/** linux/magic.h */
const BTRFS_SUPER_MAGIC = 0x9123683e;
/** The inode of every subvolume's root (BTRFS_FIRST_FREE_OBJECTID). */
const rootInode = 256;

const BTRFS_IOC_SNAP_CREATE_V2 = 0x50009417;
const BTRFS_IOC_SUBVOL_CREATE_V2 = 0x50009418;
const BTRFS_IOC_SUBVOL_GETFLAGS = 0x80089419;
const BTRFS_IOC_SUBVOL_SETFLAGS = 0x4008941a;
const BTRFS_IOC_TREE_SEARCH = 0xd0009411;
const BTRFS_IOC_INO_LOOKUP = 0xd0009412;
const BTRFS_IOC_SNAP_DESTROY_V2 = 0x5000943f;

const BTRFS_SUBVOL_RDONLY = 0x02n;
const BTRFS_SUBVOL_SPEC_BY_ID = 0x10n;

/** Whether a path lies on btrfs. */
export function isOnBtrfs(path: string): boolean {
  return statfsSync(path).type === BTRFS_SUPER_MAGIC;
}

/** Whether a directory is the root of a subvolume. */
export function isSubvolume(path: string): boolean {
  return isOnBtrfs(path) && withDirectory(path, isOpenSubvolume);
}

/** The same of an open directory, of which it is known that it lies on btrfs. */
export function isOpenSubvolume(directory: number): boolean {
  return fstatSync(directory).ino === rootInode;
}

/** Makes an empty subvolume; its mode is 0755 less the umask. */
export function makeSubvolume(path: string): void {
  withDirectory(dirname(path), (parent) => {
    ioctl(
      parent,
      BTRFS_IOC_SUBVOL_CREATE_V2,
      volumeArguments({ name: Buffer.from(basename(path)) }),
    );
  });
}

/** Makes a writable snapshot of a subvolume, and in it those of the subvolumes that lie in that one, read-only where they are. */
export function makeSnapshot(from: string, to: string): void {
  withDirectory(from, (source) =>
    withDirectory(dirname(to), (parent) => snapshotInto(source, parent, Buffer.from(basename(to)))),
  );
}

function snapshotInto(source: number, parent: number, name: Uint8Array): void {
  ioctl(parent, BTRFS_IOC_SNAP_CREATE_V2, volumeArguments({ name, source }));
  const inner = subvolumesIn(source, subvolumeId(source));
  if (inner.length === 0) return;
  withPath(parent, name, (target) => {
    for (const path of inner) {
      const slash = path.lastIndexOf(0x2f);
      withPath(target, path.subarray(0, Math.max(slash, 0)), (folder) => {
        const last = path.subarray(slash + 1);
        const stat = new Stat().read(folder, fixedName("").address, AT_EMPTY_PATH);
        // In its place the snapshot has an empty directory.
        rmdirSync(Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), last]));
        withPath(source, path, (child) => {
          snapshotInto(child, folder, last);
          if (isReadOnly(child)) withPath(folder, last, (clone) => setReadOnly(clone, true));
        });
        const times = fixedMemory(32);
        stat.copyTimes(times);
        setFileTimes(folder, times.address);
      });
    }
  });
}

/** Opens a path below a directory without following links; an empty one is the directory itself. */
function withPath(directory: number, path: Uint8Array, work: (opened: number) => void): void {
  const opened = openPath(directory, path);
  try {
    work(opened);
  } finally {
    closeSync(opened);
  }
}

/** Makes the subvolume of which a directory is the open root read-only, or writable again. */
export function setReadOnly(directory: number, readOnly: boolean): void {
  const flags = readFlags(directory);
  const others = flags.getBigUint64(0, true) & ~BTRFS_SUBVOL_RDONLY;
  flags.setBigUint64(0, others | (readOnly ? BTRFS_SUBVOL_RDONLY : 0n), true);
  ioctl(directory, BTRFS_IOC_SUBVOL_SETFLAGS, new Uint8Array(flags.buffer));
}

function isReadOnly(directory: number): boolean {
  return (readFlags(directory).getBigUint64(0, true) & BTRFS_SUBVOL_RDONLY) !== 0n;
}

function readFlags(directory: number): DataView<ArrayBuffer> {
  const flags = new Uint8Array(8);
  ioctl(directory, BTRFS_IOC_SUBVOL_GETFLAGS, flags);
  return new DataView(flags.buffer);
}

/**
 * Removes the subvolume of which `directory` is the open root, and before it those
 * in it. What they hold is cleared by the kernel in the background.
 *
 * @param parent an open directory of the same file system, not in the subvolume.
 */
export function destroySubvolume(parent: number, directory: number): void {
  const id = subvolumeId(directory);
  const inner = subvolumesIn(directory, id);
  // Nothing can be taken from one that is read-only.
  if (inner.length > 0) setReadOnly(directory, false);
  for (const path of inner) {
    const child = openPath(directory, path);
    try {
      destroySubvolume(directory, child);
    } finally {
      closeSync(child);
    }
  }
  ioctl(parent, BTRFS_IOC_SNAP_DESTROY_V2, volumeArguments({ id }));
}

/** The number of the subvolume in which an open file lies. */
function subvolumeId(file: number): bigint {
  return lookUp(file, 0n, BigInt(rootInode)).tree;
}

/** struct btrfs_ioctl_ino_lookup_args: the path of a directory in its subvolume, with a slash at the end. */
function lookUp(file: number, tree: bigint, inode: bigint): { tree: bigint; path: Uint8Array } {
  const request = new Uint8Array(4096);
  const view = new DataView(request.buffer);
  view.setBigUint64(0, tree, true);
  view.setBigUint64(8, inode, true);
  ioctl(file, BTRFS_IOC_INO_LOOKUP, request);
  const path = request.subarray(16, request.indexOf(0, 16));
  return { tree: view.getBigUint64(0, true), path };
}

/** The paths of the subvolumes that lie in one, but not of those in them: its ROOT_REF items in the tree of roots. */
function subvolumesIn(file: number, id: bigint): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let from = 0n; ;) {
    const request = new Uint8Array(4096);
    const view = new DataView(request.buffer);
    const all = 0xffff_ffff_ffff_ffffn;
    // struct btrfs_ioctl_search_key: tree, objects, offsets, transactions from and to, types, count.
    for (const [index, value] of [1n, id, id, from, all, 0n, all].entries()) {
      view.setBigUint64(8 * index, value, true);
    }
    const rootRefKey = 156;
    view.setUint32(56, rootRefKey, true);
    view.setUint32(60, rootRefKey, true);
    view.setUint32(64, 4096, true);
    ioctl(file, BTRFS_IOC_TREE_SEARCH, request);
    const count = view.getUint32(64, true);
    if (count === 0) return found;
    for (let item = 0, at = 104; item < count; item++) {
      // struct btrfs_ioctl_search_header; then struct btrfs_root_ref and the name.
      from = view.getBigUint64(at + 16, true) + 1n;
      const length = view.getUint32(at + 28, true);
      const inode = view.getBigUint64(at + 32, true);
      const name = request.subarray(at + 32 + 18, at + 32 + length);
      found.push(Buffer.concat([lookUp(file, id, inode).path, name]));
      at += 32 + length;
    }
  }
}

/** struct btrfs_ioctl_vol_args_v2 */
function volumeArguments({
  name = new Uint8Array(),
  source = 0,
  id,
}: {
  name?: Uint8Array;
  source?: number;
  id?: bigint;
}): Uint8Array<ArrayBuffer> {
  const request = new Uint8Array(4096);
  const view = new DataView(request.buffer);
  view.setBigInt64(0, BigInt(source), true);
  if (id === undefined) {
    if (name.length > 255) throw new RangeError("the name of a subvolume has at most 255 bytes");
    request.set(name, 56);
  } else {
    view.setBigUint64(16, BTRFS_SUBVOL_SPEC_BY_ID, true);
    view.setBigUint64(56, id, true);
  }
  return request;
}

/** Opens a directory, which is no link. */
export function withDirectory<T>(path: string, work: (directory: number) => T): T {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const directory = openSync(path, flags);
  try {
    return work(directory);
  } finally {
    closeSync(directory);
  }
}
