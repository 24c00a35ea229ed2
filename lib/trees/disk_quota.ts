/**
 * How much a root tree may hold, by quota groups of btrfs (btrfs-quota(5)).
 *
 * Quotas are the file system's as a whole, and cost something at each write: they are never turned on for the
 * administrator. What counts is all that the tree shows, the image's own files included, shared or not; with simple
 * quotas (`btrfs quota enable --simple`, Linux 6.7) what was written to it alone.
 *
 * @module
 */

import { statfsSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import { ioctl } from "../host/libc.ts";
import { isOnBtrfs, isSubvolume, withDirectory } from "./btrfs.ts";

/** linux/btrfs.h: struct btrfs_ioctl_qgroup_limit_args, the group's number and five more words. */
const BTRFS_IOC_QGROUP_LIMIT = 0x8030942b;
const BTRFS_QGROUP_LIMIT_MAX_RFER = 1n;
/** No limit: BTRFS_QGROUP_LIMIT's CLEAR_VALUE in the kernel. */
const unlimited = 0xffff_ffff_ffff_ffffn;

/** linux/magic.h, of those that people keep machines on. */
const names: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x01021994, "tmpfs"],
  [0x794c7630, "overlay"],
  [0x2fc12fc1, "zfs"],
  [0xf2f52010, "f2fs"],
]);

/**
 * Wants a folder to lie on a file system that can limit what is below it.
 *
 * @throws {MbctlError} (host) naming the file system, or how quotas are turned on.
 */
export function requireQuotas(folder: string): void {
  if (!isOnBtrfs(folder)) {
    const { type } = statfsSync(folder);
    const name = names.get(type) ?? `a file system of type 0x${type.toString(16)}`;
    throw cannot(
      folder,
      `it lies on ${name}, and only btrfs has quotas for folders`,
      `leave limits.disk out, or keep ${folder} on btrfs`,
    );
  }
  // A limit that says nothing: only whether one could be set.
  limitGroup(folder, 0n, 0n);
}

/**
 * Limits what a root tree may hold; may be repeated.
 *
 * @param bytes undefined takes a limit away.
 * @throws {MbctlError} (host) where that cannot be.
 */
export function limitTree(tree: string, bytes: number | undefined): void {
  if (bytes === undefined) {
    if (isSubvolume(tree)) clearLimit(tree);
    return;
  }
  requireQuotas(tree);
  if (!isSubvolume(tree)) {
    throw cannot(
      tree,
      "it is no subvolume",
      "leave limits.disk out, or make the machine anew: mbctl machines rebuild",
    );
  }
  limitGroup(tree, BTRFS_QGROUP_LIMIT_MAX_RFER, BigInt(bytes));
}

/** Without quotas there is no limit to take away. */
function clearLimit(tree: string): void {
  try {
    limitGroup(tree, BTRFS_QGROUP_LIMIT_MAX_RFER, unlimited);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
  }
}

/** Sets limits of the group that the subvolume has in which a folder lies. */
function limitGroup(folder: string, flags: bigint, maxReferenced: bigint): void {
  const request = new Uint8Array(new ArrayBuffer(48));
  const view = new DataView(request.buffer);
  // The first word, the number of the group, stays 0: that of the folder's own subvolume.
  view.setBigUint64(8, flags, true);
  view.setBigUint64(16, maxReferenced, true);
  try {
    withDirectory(folder, (directory) => ioctl(directory, BTRFS_IOC_QGROUP_LIMIT, request));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: they are being turned on, or off.
    if (code !== "ENOTCONN" && code !== "ENOENT") throw error;
    throw cannot(
      folder,
      "quotas are not turned on for its file system",
      `turn them on for the whole of it, if you can do with slower writes: btrfs quota enable --simple ${folder} (before Linux 6.7 without --simple)`,
    );
  }
}

function cannot(folder: string, state: string, hint: string): MbctlError {
  return new MbctlError("host", `Cannot limit the disk space of ${folder}: ${state}`, { hint });
}
