/**
 * Id-mapped mounts by the C library: mount(8) knows them since util-linux 2.39 only.
 *
 * @module
 */

import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { AT_EMPTY_PATH, AT_FDCWD, fixedName } from "./libc_at.ts";
import { SyscallError } from "./libc.ts";

const { i64, ptr: pointer } = FFIType;

const symbols = {
  __errno_location: { args: [], returns: pointer },
  // Neither call has a function in glibc before 2.36.
  syscall: { args: [i64, i64, i64, i64, i64, i64], returns: i64 },
} as const;

let library: ReturnType<typeof dlopen<typeof symbols>>["symbols"] | undefined;

/** asm-generic/unistd.h; the numbers of every architecture. */
const SYS_open_tree = 428;
const SYS_mount_setattr = 442;
/** linux/mount.h. */
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOUNT_ATTR_IDMAP = 0x00100000n;
/** struct mount_attr: attr_set, attr_clr, propagation, userns_fd, 64 bits each. */
const attributeBytes = 32;

function call(name: string, number: number, words: readonly number[]): number {
  library ??= dlopen("libc.so.6", symbols).symbols;
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = words;
  const result = Number(library.syscall(number, a, b, c, d, e));
  if (result >= 0) return result;
  const location = library.__errno_location();
  throw new SyscallError(name, location === null ? 0 : read.i32(location));
}

/**
 * Makes an id-mapped mount of a folder that nobody sees, and drops it (open_tree(2), mount_setattr(2)).
 *
 * @param userNamespace the file of a user namespace with a mapping, `/proc/PID/ns/user`.
 * @throws {SyscallError} the kernel's own: EINVAL where the file system cannot, EPERM without root.
 */
export function tryIdMappedMount(folder: string, userNamespace: string): void {
  const path = fixedName(folder);
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const mount = call("open_tree", SYS_open_tree, [AT_FDCWD, path.address, flags]);
  try {
    const namespace = openSync(userNamespace, "r");
    try {
      const attributes = new BigUint64Array(new ArrayBuffer(attributeBytes));
      attributes[0] = MOUNT_ATTR_IDMAP;
      attributes[3] = BigInt(namespace);
      const words = [mount, fixedName("").address, AT_EMPTY_PATH, ptr(attributes), attributeBytes];
      call("mount_setattr", SYS_mount_setattr, words);
    } finally {
      closeSync(namespace);
    }
  } finally {
    closeSync(mount);
  }
}
