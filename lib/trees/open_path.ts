/**
 * Opens what lies in a tree, following no link on the way, also where the path
 * is longer than the kernel takes at once.
 *
 * @module
 */

import { SyscallError } from "../host/libc.ts";
import {
  type Address,
  AT_FDCWD,
  close,
  type FixedMemory,
  fixedMemory,
  fixedName,
  O_DIRECTORY,
  O_NOATIME,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  openBeneath,
} from "../host/libc_at.ts";

/** PATH_MAX, with its NUL. */
const longestPath = 4096;
const slash = 0x2f;
let pathMemory: FixedMemory | undefined;

/** Opens a directory by its path below an open one; "" is that one itself, opened anew. */
export function openPath(root: number, path: Uint8Array): number {
  pathMemory ??= fixedMemory(longestPath);
  let directory = root;
  let rest = path.length === 0 ? Buffer.from(".") : path;
  try {
    for (;;) {
      const isWhole = rest.length < longestPath;
      const end = isWhole ? rest.length : rest.lastIndexOf(slash, longestPath - 1);
      pathMemory.bytes.set(rest.subarray(0, end));
      pathMemory.bytes[end] = 0;
      const next = openBeneath(directory, pathMemory.address, O_RDONLY | O_DIRECTORY);
      if (directory !== root) close(directory);
      directory = next;
      if (isWhole) return next;
      rest = rest.subarray(end + 1);
    }
  } catch (error) {
    if (directory !== root) close(directory);
    throw error;
  }
}

/** Opens the root of a tree, a directory and no link. */
export function openRoot(path: string): number {
  return openAt(AT_FDCWD, fixedName(path).address, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

let mayKeepAccessTime = O_NOATIME;

/** Opens a file to read it, and leaves its time of access alone where the kernel lets us: its owner and root. */
export function openForReading(directory: number, name: Address, flags: number): number {
  try {
    return openAt(directory, name, O_RDONLY | mayKeepAccessTime | flags);
  } catch (error) {
    if (mayKeepAccessTime === 0 || !(error instanceof SyscallError) || error.code !== "EPERM") {
      throw error;
    }
    mayKeepAccessTime = 0;
    return openAt(directory, name, O_RDONLY | flags);
  }
}
