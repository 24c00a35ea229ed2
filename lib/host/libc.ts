/**
 * The calls of the C library that Bun's file API lacks: extended attributes,
 * pipes, locks, ioctl(2), and a socket over which descriptors arrive. Nothing here
 * decides anything, and every call either succeeds or throws the kernel's error.
 * What is called by the hundred thousand is in libc_at.ts and libc_open.ts.
 *
 * Linux on x86-64 and arm64, glibc.
 *
 * @module
 */

import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { constants } from "node:os";

const { i32, u64, i64, ptr: pointer } = FFIType;

/** A path: text, or its very bytes where they need not be UTF-8. */
export type PathBytes = string | Uint8Array;

/** A point in time as the kernel keeps it (timespec(3type)); `seconds` may be negative. */
export interface Timespec {
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

const symbols = {
  __errno_location: { args: [], returns: pointer },
  fcntl: { args: [i32, i32, i64], returns: i32 },
  flock: { args: [i32, i32], returns: i32 },
  ioctl: { args: [i32, u64, pointer], returns: i32 },
  lgetxattr: { args: [pointer, pointer, pointer, u64], returns: i64 },
  llistxattr: { args: [pointer, pointer, u64], returns: i64 },
  lsetxattr: { args: [pointer, pointer, pointer, u64, i32], returns: i32 },
  pipe2: { args: [pointer, i32], returns: i32 },
  recvmsg: { args: [i32, pointer, i32], returns: i64 },
  socketpair: { args: [i32, i32, i32, pointer], returns: i32 },
  splice: { args: [i32, pointer, i32, pointer, u64, FFIType.u32], returns: i64 },
  syncfs: { args: [i32], returns: i32 },
} as const;

let library: ReturnType<typeof dlopen<typeof symbols>> | undefined;

/** Loaded at the first call: most verbs need none of it. */
function libc() {
  library ??= dlopen("libc.so.6", symbols);
  return library.symbols;
}

/** The kernel's error as Node shows it: `code` is `ENOSPC` and so on. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, what?: string) {
    const code = errnoNames().get(errno) ?? `errno ${errno}`;
    super(`${code}: ${syscall}${what === undefined ? "" : ` ${JSON.stringify(what)}`}`);
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
  }
}

let names: ReadonlyMap<number, string> | undefined;
function errnoNames(): ReadonlyMap<number, string> {
  names ??= new Map(
    Object.entries(constants.errno)
      .map(([name, number]): [number, string] => [number, name])
      // Two names of one number: the one that Node shows.
      .filter(([, name]) => name !== "EWOULDBLOCK" && name !== "EOPNOTSUPP"),
  );
  return names;
}

function errno(): number {
  const location = libc().__errno_location();
  return location === null ? 0 : read.i32(location);
}

/** Runs a call again while a signal interrupts it; throws its error. */
function checked(syscall: string, call: () => number | bigint, what?: PathBytes): number {
  for (;;) {
    const result = Number(call());
    if (result >= 0) return result;
    const number = errno();
    if (number === constants.errno.EINTR) continue;
    throw new SyscallError(syscall, number, what === undefined ? undefined : shown(what));
  }
}

function shown(path: PathBytes): string {
  return typeof path === "string" ? path : Buffer.from(path).toString("latin1");
}

/** Memory whose address stays: a slice of Bun's pool of small buffers may move. */
function memory(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(bytes));
}

/** @throws {TypeError} for a NUL inside: the kernel would read another path. */
function cstring(text: PathBytes): Uint8Array {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  if (bytes.includes(0))
    throw new TypeError(`A path cannot hold a NUL: ${JSON.stringify(shown(text))}`);
  const result = memory(bytes.length + 1);
  result.set(bytes);
  return result;
}

/** Sets one extended attribute, of the link itself where `path` is one (setxattr(2)). */
export function setXattr(path: PathBytes, name: string, value: Uint8Array): void {
  // An empty array has no address.
  const bytes = value.length === 0 ? memory(1) : memory(value.length);
  bytes.set(value);
  checked(
    "lsetxattr",
    () => libc().lsetxattr(cstring(path), cstring(name), bytes, BigInt(value.length), 0),
    path,
  );
}

/** The names of the extended attributes, of the link itself where `path` is one (listxattr(2)). */
export function listXattrs(path: PathBytes): string[] {
  const list = (buffer: Uint8Array | null, size: number) =>
    checked("llistxattr", () => libc().llistxattr(cstring(path), buffer, BigInt(size)), path);
  const size = list(null, 0);
  if (size === 0) return [];
  const buffer = memory(size);
  const length = list(buffer, size);
  return Buffer.from(buffer.subarray(0, length))
    .toString()
    .split("\0")
    .filter((name) => name !== "");
}

/** The value of one extended attribute (getxattr(2)). */
export function getXattr(path: PathBytes, name: string): Uint8Array {
  const get = (buffer: Uint8Array | null, size: number) =>
    checked(
      "lgetxattr",
      () => libc().lgetxattr(cstring(path), cstring(name), buffer, BigInt(size)),
      path,
    );
  const size = get(null, 0);
  const buffer = memory(Math.max(size, 1));
  return buffer.subarray(0, size === 0 ? 0 : get(buffer, size));
}

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes a lock on an open file without waiting (flock(2)); false when another holds it. */
export function tryLock(file: number, kind: "shared" | "exclusive"): boolean {
  const operation = (kind === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB;
  try {
    checked("flock", () => libc().flock(file, operation));
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.code === "EAGAIN") return false;
    throw error;
  }
}

const O_CLOEXEC = 0o2000000;

/** A pipe: what is written to `writeEnd` is read from `readEnd` (pipe2(2)). Children do not inherit it unasked. */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(memory(8).buffer);
  checked("pipe2", () => libc().pipe2(ends, O_CLOEXEC));
  const [readEnd = -1, writeEnd = -1] = ends;
  return { readEnd, writeEnd };
}

const F_SETPIPE_SZ = 1031;

/**
 * Makes a pipe hold more (fcntl(2), F_SETPIPE_SZ).
 *
 * @returns what it holds now, in bytes: a user beyond his limit keeps the pipe as it is.
 */
export function growPipe(descriptor: number, bytes: number): number | undefined {
  try {
    return checked("fcntl", () => libc().fcntl(descriptor, F_SETPIPE_SZ, BigInt(bytes)));
  } catch (error) {
    if (error instanceof SyscallError && error.code === "EPERM") return undefined;
    throw error;
  }
}

const SPLICE_F_NONBLOCK = 2;

/**
 * Moves bytes from a file, where it stands, into a pipe, without copying them and
 * without waiting (splice(2)).
 *
 * @returns how many; undefined when the pipe is full.
 */
export function spliceNow(file: number, pipe: number, bytes: number): number | undefined {
  try {
    return checked("splice", () =>
      libc().splice(file, null, pipe, null, BigInt(bytes), SPLICE_F_NONBLOCK),
    );
  } catch (error) {
    if (error instanceof SyscallError && error.code === "EAGAIN") return undefined;
    throw error;
  }
}

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = O_CLOEXEC;

/** Two ends of a socket that keeps messages whole (unix(7), SOCK_SEQPACKET). Children do not inherit them unasked. */
export function makeSocketPair(): readonly [number, number] {
  const ends = new Int32Array(memory(8).buffer);
  checked("socketpair", () => libc().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
  const [ours = -1, theirs = -1] = ends;
  return [ours, theirs];
}

const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_CTRUNC = 0x08;
const MSG_TRUNC = 0x20;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** A message from a socket, and the descriptor that came with it. An empty message: the other side is gone. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly descriptor: number | undefined;
}

/**
 * Receives one message, without waiting (recvmsg(2); the layouts of msghdr and
 * cmsghdr are those of 64-bit Linux).
 *
 * @param limit longest message in bytes.
 * @returns undefined when none has arrived.
 */
export function receiveMessage(socket: number, limit: number): Message | undefined {
  const data = memory(limit);
  // cmsghdr (16 bytes) and one int, padded to 8.
  const control = memory(24);
  const iovec = new BigUint64Array(memory(16).buffer);
  iovec[0] = BigInt(ptr(data));
  iovec[1] = BigInt(limit);
  const header = memory(56);
  const view = new DataView(header.buffer);
  view.setBigUint64(16, BigInt(ptr(iovec)), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(ptr(control)), true);
  view.setBigUint64(40, BigInt(control.length), true);
  let length: number;
  try {
    const flags = MSG_CMSG_CLOEXEC | MSG_DONTWAIT;
    length = checked("recvmsg", () => libc().recvmsg(socket, header, flags));
  } catch (error) {
    if (error instanceof SyscallError && error.code === "EAGAIN") return undefined;
    throw error;
  }
  const flags = view.getInt32(48, true);
  if ((flags & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
    throw new SyscallError("recvmsg", constants.errno.EMSGSIZE);
  }
  const words = new Int32Array(control.buffer);
  const hasDescriptor =
    view.getBigUint64(40, true) >= 20n && words[2] === SOL_SOCKET && words[3] === SCM_RIGHTS;
  return { bytes: data.subarray(0, length), descriptor: hasDescriptor ? words[4] : undefined };
}

/**
 * Asks a device or file system for something of its own (ioctl(2)).
 *
 * @param argument a structure, changed in place; or a number, passed as such.
 */
export function ioctl(file: number, request: number, argument: Uint8Array | number): number {
  if (typeof argument === "number") {
    // A pointer is a number to the C library: FICLONE takes a descriptor here.
    return checked("ioctl", () => libc().ioctl(file, BigInt(request), argument as never));
  }
  const copy = memory(argument.length);
  copy.set(argument);
  const result = checked("ioctl", () => libc().ioctl(file, BigInt(request), copy));
  argument.set(copy);
  return result;
}

/** Waits until all that was written to a file system lies on its disk (syncfs(2)). */
export function syncFileSystem(file: number): void {
  checked("syncfs", () => libc().syncfs(file));
}
