/**
 * Unix sockets over which descriptors travel (unix(7), SCM_RIGHTS), who is at their other end, and a signal when
 * something arrives. As in {@linkcode "libc_socket.ts"} nothing here decides anything, and every call gives the
 * kernel's answer, `-errno` where it refused.
 *
 * The layouts of msghdr and cmsghdr are those of 64-bit Linux, on x86-64 and arm64 alike.
 *
 * @module
 */

import { FFIType } from "bun:ffi";
import { answer, loadLibc } from "./libc_answer.ts";
import { type FixedMemory, fixedMemory } from "./libc_at.ts";

const { i32, u32, i64_fast: i64, u64_fast: u64 } = FFIType;

const symbols = {
  connect: { args: [i32, u64, u32], returns: i32 },
  fcntl: { args: [i32, i32, i64], returns: i32 },
  getsockopt: { args: [i32, i32, i32, u64, u64], returns: i32 },
  recvmsg: { args: [i32, u64, i32], returns: i64 },
  sendmsg: { args: [i32, u64, i32], returns: i64 },
  socket: { args: [i32, i32, i32], returns: i32 },
  syscall: { args: [i64, i32, u32, u64, u64], returns: i64 },
} as const;

let library: ReturnType<typeof loadLibc<typeof symbols>> | undefined;

function libc() {
  library ??= loadLibc(symbols);
  return library;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

/** A stream socket that waits; no child inherits it. */
export function openUnixSocket(): number {
  return answer(libc().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/** sun_path, with the NUL behind it. */
export const unixPathLimit = 108;

/** connect(2) to a socket in the file system; waits while the other side's queue is full. @param path shorter than {@linkcode unixPathLimit} bytes. */
export function connectUnix(socket: number, path: string): number {
  const address = fixedMemory(2 + unixPathLimit);
  address.view.setUint16(0, AF_UNIX, true);
  address.bytes.set(Buffer.from(path).subarray(0, unixPathLimit - 1), 2);
  return answer(libc().connect(socket, address.address, address.bytes.length));
}

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x08;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** struct cmsghdr: length, level, type. Descriptors follow as ints. */
const cmsgHeader = 16;

/** A `struct msghdr` and what it points to. */
class MessageMemory {
  readonly header = fixedMemory(56);
  readonly control: FixedMemory;
  readonly #vector = fixedMemory(16);

  constructor(descriptorLimit: number) {
    this.control = fixedMemory(cmsgHeader + 4 * descriptorLimit);
    this.header.view.setBigUint64(16, BigInt(this.#vector.address), true);
    this.header.view.setBigUint64(24, 1n, true);
    this.header.view.setBigUint64(32, BigInt(this.control.address), true);
  }

  prepare(data: FixedMemory, bytes: number, controlBytes: number): void {
    this.#vector.view.setBigUint64(0, BigInt(data.address), true);
    this.#vector.view.setBigUint64(8, BigInt(bytes), true);
    this.header.view.setBigUint64(40, BigInt(controlBytes), true);
    this.header.view.setInt32(48, 0, true);
  }

  get controlBytes(): number {
    return Number(this.header.view.getBigUint64(40, true));
  }

  get flags(): number {
    return this.header.view.getInt32(48, true);
  }
}

/** The most descriptors that are taken from one message; the kernel closes what is beyond. */
export const descriptorLimit = 3;
/** The most that the kernel takes in one (unix(7), SCM_MAX_FD). */
export const messageDescriptors = 253;

let sendMemory: MessageMemory | undefined;
let receiveMemory: MessageMemory | undefined;

/**
 * sendmsg(2).
 *
 * @param descriptors go with the first byte; at most {@linkcode messageDescriptors}.
 * @param isWaiting waits for room in the other side's queue.
 * @returns how many bytes went.
 */
export function sendWithRights(
  socket: number,
  bytes: Uint8Array,
  descriptors: readonly number[],
  isWaiting = false,
): number {
  sendMemory ??= new MessageMemory(messageDescriptors);
  const data = fixedMemory(bytes.length);
  data.bytes.set(bytes);
  const controlBytes = descriptors.length === 0 ? 0 : cmsgHeader + 4 * descriptors.length;
  const { view } = sendMemory.control;
  view.setBigUint64(0, BigInt(controlBytes), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  for (const [index, descriptor] of descriptors.entries()) {
    view.setInt32(cmsgHeader + 4 * index, descriptor, true);
  }
  sendMemory.prepare(data, bytes.length, controlBytes);
  const flags = MSG_NOSIGNAL | (isWaiting ? 0 : MSG_DONTWAIT);
  return answer(libc().sendmsg(socket, sendMemory.header.address, flags));
}

/** What one call of recvmsg(2) brought. */
export interface Received {
  /** How many bytes; 0 at the end of the stream; or `-errno`. */
  readonly length: number;
  /** No child inherits them. Whoever asked closes them. */
  readonly descriptors: readonly number[];
  /** More came than {@linkcode descriptorLimit}; the kernel has closed the rest. */
  readonly hasMore: boolean;
}

/** recvmsg(2), without waiting. */
export function receiveWithRights(socket: number, into: FixedMemory): Received {
  receiveMemory ??= new MessageMemory(descriptorLimit);
  const { control } = receiveMemory;
  receiveMemory.prepare(into, into.bytes.length, control.bytes.length);
  const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
  const length = answer(libc().recvmsg(socket, receiveMemory.header.address, flags));
  if (length < 0) return { length, descriptors: [], hasMore: false };
  const { controlBytes } = receiveMemory;
  const isRights =
    controlBytes >= cmsgHeader &&
    control.view.getInt32(8, true) === SOL_SOCKET &&
    control.view.getInt32(12, true) === SCM_RIGHTS;
  const end = isRights ? Number(control.view.getBigUint64(0, true)) : cmsgHeader;
  const descriptors: number[] = [];
  for (let at = cmsgHeader; at + 4 <= end; at += 4) {
    descriptors.push(control.view.getInt32(at, true));
  }
  return { length, descriptors, hasMore: (receiveMemory.flags & MSG_CTRUNC) !== 0 };
}

const SO_PEERCRED = 17;
/** asm-generic/socket.h; since Linux 6.5. */
const SO_PEERPIDFD = 77;

function socketOption(socket: number, name: number, value: FixedMemory): number {
  const length = fixedMemory(4);
  length.view.setUint32(0, value.bytes.length, true);
  return answer(libc().getsockopt(socket, SOL_SOCKET, name, value.address, length.address));
}

/** Who called connect(2), or listen(2), as our namespaces count (SO_PEERCRED). */
export function peerCredentials(
  socket: number,
): { readonly pid: number; readonly uid: number; readonly gid: number } | undefined {
  const value = fixedMemory(12);
  if (socketOption(socket, SO_PEERCRED, value) < 0) return undefined;
  return {
    pid: value.view.getInt32(0, true),
    uid: value.view.getUint32(4, true),
    gid: value.view.getUint32(8, true),
  };
}

/** A descriptor of that process (SO_PEERPIDFD): its number may be another's by now, this is not. */
export function peerProcess(socket: number): number {
  const value = fixedMemory(4);
  const result = socketOption(socket, SO_PEERPIDFD, value);
  return result < 0 ? result : value.view.getInt32(0, true);
}

/** asm-generic/unistd.h; the number is that of every architecture. */
const SYS_pidfd_open = 434;

/** pidfd_open(2) */
export function openProcess(pid: number): number {
  return answer(libc().syscall(SYS_pidfd_open, pid, 0, 0, 0));
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** Keeps a descriptor that we inherited from our children. */
export function closeOnExec(descriptor: number): number {
  return answer(libc().fcntl(descriptor, F_SETFD, FD_CLOEXEC));
}

const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;

/**
 * Has the kernel send us SIGIO when a socket or terminal has something for us, and never wait (fcntl(2), O_ASYNC).
 * Both hold for everybody who has this description.
 */
export function signalInput(descriptor: number): number {
  const flags = answer(libc().fcntl(descriptor, F_GETFL, 0));
  if (flags < 0) return flags;
  // First: without an owner a terminal would tell its whole foreground group.
  const owned = answer(libc().fcntl(descriptor, F_SETOWN, process.pid));
  return owned < 0
    ? owned
    : answer(libc().fcntl(descriptor, F_SETFL, flags | O_NONBLOCK | O_ASYNC));
}
