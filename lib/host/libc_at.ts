/**
 * The calls of the C library that work relative to an open directory, for the
 * copy and the removal of whole trees: a hundred thousand files take a million
 * of them, so none allocates memory, and names are passed by their address. As
 * in {@linkcode "libc.ts"} nothing here decides anything, and every call either
 * succeeds or throws the kernel's error.
 *
 * Names are bytes that end with NUL, in memory of {@linkcode fixedMemory}.
 *
 * @module
 */

import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { SyscallError } from "./libc.ts";

const { i32, u32, i64_fast: i64, u64_fast: u64, ptr: pointer } = FFIType;

/** Where bytes lie in memory. */
export type Address = number;

const symbols = {
  __errno_location: { args: [], returns: pointer },
  close: { args: [i32], returns: i32 },
  fchmod: { args: [i32, u32], returns: i32 },
  fchmodat: { args: [i32, u64, u32, i32], returns: i32 },
  fchown: { args: [i32, u32, u32], returns: i32 },
  fchownat: { args: [i32, u64, u32, u32, i32], returns: i32 },
  fgetxattr: { args: [i32, u64, u64, u64], returns: i64 },
  flistxattr: { args: [i32, u64, u64], returns: i64 },
  fremovexattr: { args: [i32, u64], returns: i32 },
  fsetxattr: { args: [i32, u64, u64, u64, i32], returns: i32 },
  ftruncate: { args: [i32, i64], returns: i32 },
  futimens: { args: [i32, u64], returns: i32 },
  getdents64: { args: [i32, u64, u64], returns: i64 },
  ioctl: { args: [i32, u64, u64], returns: i32 },
  linkat: { args: [i32, u64, i32, u64, i32], returns: i32 },
  lseek: { args: [i32, i64, i32], returns: i64 },
  mkdirat: { args: [i32, u64, u32], returns: i32 },
  mknodat: { args: [i32, u64, u32, u64], returns: i32 },
  openat: { args: [i32, u64, i32, u32], returns: i32 },
  pread: { args: [i32, u64, u64, i64], returns: i64 },
  pwrite: { args: [i32, u64, u64, i64], returns: i64 },
  readlinkat: { args: [i32, u64, u64, u64], returns: i64 },
  renameat: { args: [i32, u64, i32, u64], returns: i32 },
  statx: { args: [i32, u64, i32, u32, u64], returns: i32 },
  syscall: { args: [i64, i32, u64, u64, u64], returns: i64 },
  symlinkat: { args: [u64, i32, u64], returns: i32 },
  unlinkat: { args: [i32, u64, i32], returns: i32 },
  utimensat: { args: [i32, u64, u64, i32], returns: i32 },
} as const;

let library: ReturnType<typeof dlopen<typeof symbols>>["symbols"] | undefined;

/** The functions, loaded at the first call: most verbs need none of them. */
export function libc() {
  library ??= dlopen("libc.so.6", symbols).symbols;
  return library;
}

/** The error of the call that has just failed. */
export function failure(syscall: string): SyscallError {
  const location = libc().__errno_location();
  return new SyscallError(syscall, location === null ? 0 : read.i32(location));
}

/** Memory whose address stays, and that address. */
export interface FixedMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly address: Address;
}

/** Memory for names and answers; it must be kept for as long as its address is used. */
export function fixedMemory(size: number): FixedMemory {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  return { bytes, view: new DataView(bytes.buffer), address: ptr(bytes) };
}

/** The last names: an address alone would not keep the collector away while a call reads them. */
const recentNames: FixedMemory[] = [];
const recentCount = 64;
let madeNames = 0;

/** A name in memory of its own, ended by NUL; held for as long as 64 more have not been made. */
export function fixedName(name: string | Uint8Array): FixedMemory {
  const text = typeof name === "string" ? Buffer.from(name) : name;
  const memory = fixedMemory(text.length + 1);
  memory.bytes.set(text);
  recentNames[madeNames++ % recentCount] = memory;
  return memory;
}

/** The directory in which paths begin that are relative to none. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;
const arm = process.arch === "arm64";
/** asm/fcntl.h: two flags have numbers of their own on arm64. */
export const O_DIRECTORY = arm ? 0o40000 : 0o200000;
export const O_NOFOLLOW = arm ? 0o100000 : 0o400000;
export const O_NOATIME = 0o1000000;
const O_CLOEXEC = 0o2000000;

/** openat(2); a child never inherits what it opens. */
export function openAt(directory: number, name: Address, flags: number, mode = 0): number {
  const file = libc().openat(directory, name, flags | O_CLOEXEC, mode);
  if (file < 0) throw failure("openat");
  return file;
}

/** asm-generic/unistd.h: openat2, of which glibc has no function; the number is that of every architecture. */
const SYS_openat2 = 437;
/** linux/openat2.h: RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH */
const resolveBeneath = 0x04n | 0x08n;
let openHow: BigUint64Array<ArrayBuffer> | undefined;

/** Opens a path below a directory, following no link and never leaving it (openat2(2)). */
export function openBeneath(directory: number, path: Address, flags: number): number {
  openHow ??= new BigUint64Array(new ArrayBuffer(24));
  openHow[0] = BigInt(flags | O_CLOEXEC);
  openHow[2] = resolveBeneath;
  const file = libc().syscall(SYS_openat2, directory, path, ptr(openHow), openHow.byteLength);
  if (file < 0) throw failure("openat2");
  return Number(file);
}

/** close(2). What it says is of no use: the descriptor is gone in any case. */
export function close(file: number): void {
  libc().close(file);
}

/** utimensat(2), of a link itself. */
export function setTimesAt(directory: number, name: Address, times: Address): void {
  if (libc().utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) !== 0)
    throw failure("utimensat");
}

/** fchownat(2), of a link itself. */
export function setOwnerAt(directory: number, name: Address, uid: number, gid: number): void {
  if (libc().fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW) !== 0)
    throw failure("fchownat");
}

/** fchmodat(2). It follows a link: not for one. */
export function setModeAt(directory: number, name: Address, mode: number): void {
  if (libc().fchmodat(directory, name, mode, 0) !== 0) throw failure("fchmodat");
}

/** mkdirat(2). */
export function makeDirectoryAt(directory: number, name: Address, mode: number): void {
  if (libc().mkdirat(directory, name, mode) !== 0) throw failure("mkdirat");
}

/** mknodat(2): a device, a fifo or a socket. */
export function makeNodeAt(
  directory: number,
  name: Address,
  mode: number,
  [major, minor]: readonly [major: number, minor: number],
): void {
  // makedev(3); at most 12 + 20 bits on Linux, so it fits in 32.
  const device = (minor & 0xff) + (major & 0xfff) * 2 ** 8 + (minor >>> 8) * 2 ** 20;
  if (libc().mknodat(directory, name, mode, device) !== 0) throw failure("mknodat");
}

/** symlinkat(2). */
export function makeSymlinkAt(target: Address, directory: number, name: Address): void {
  if (libc().symlinkat(target, directory, name) !== 0) throw failure("symlinkat");
}

/** readlinkat(2), ended by NUL. @returns the length of the target. */
export function readLinkAt(directory: number, name: Address, into: FixedMemory): number {
  const length = Number(libc().readlinkat(directory, name, into.address, into.bytes.length - 1));
  if (length < 0) throw failure("readlinkat");
  into.bytes[length] = 0;
  return length;
}

/** linkat(2), following no link. */
export function linkAt(from: number, name: Address, to: number, newName: Address): void {
  if (libc().linkat(from, name, to, newName, 0) !== 0) throw failure("linkat");
}

/** unlinkat(2). @param flags AT_REMOVEDIR for a directory. */
export function unlinkAt(directory: number, name: Address, flags = 0): void {
  if (libc().unlinkat(directory, name, flags) !== 0) throw failure("unlinkat");
}

/** renameat(2). */
export function renameAt(from: number, name: Address, to: number, newName: Address): void {
  if (libc().renameat(from, name, to, newName) !== 0) throw failure("renameat");
}
