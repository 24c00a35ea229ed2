/**
 * The calls of the C library for sockets, pipes between them, and waiting for many at a time. A relay makes
 * some for every packet, so none allocates memory and none throws: each gives the kernel's answer, and `-errno`
 * where it refused. As in {@linkcode "libc.ts"} nothing here decides anything.
 *
 * Addresses are bytes (lib/network/socket_address.ts) in memory of {@linkcode "libc_at.ts"}.
 *
 * @module
 */

import { FFIType } from "bun:ffi";
import { answer, loadLibc } from "./libc_answer.ts";
import { constants } from "node:os";
import { type Address, type FixedMemory, fixedMemory } from "./libc_at.ts";

const { i32, u32, i64_fast: i64, u64_fast: u64 } = FFIType;

const symbols = {
  accept4: { args: [i32, u64, u64, i32], returns: i32 },
  bind: { args: [i32, u64, u32], returns: i32 },
  connect: { args: [i32, u64, u32], returns: i32 },
  epoll_create1: { args: [i32], returns: i32 },
  epoll_ctl: { args: [i32, i32, i32, u64], returns: i32 },
  epoll_wait: { args: [i32, u64, i32, i32], returns: i32 },
  getpeername: { args: [i32, u64, u64], returns: i32 },
  getsockname: { args: [i32, u64, u64], returns: i32 },
  listen: { args: [i32, i32], returns: i32 },
  pipe2: { args: [u64, i32], returns: i32 },
  recvmsg: { args: [i32, u64, i32], returns: i64 },
  send: { args: [i32, u64, u64, i32], returns: i64 },
  sendmsg: { args: [i32, u64, i32], returns: i64 },
  setsockopt: { args: [i32, i32, i32, u64, u32], returns: i32 },
  shutdown: { args: [i32, i32], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  splice: { args: [i32, u64, i32, u64, u64, u32], returns: i64 },
} as const;

let library: ReturnType<typeof loadLibc<typeof symbols>> | undefined;

function libc() {
  library ??= loadLibc(symbols);
  return library;
}

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

export const { EAGAIN, EADDRINUSE, EADDRNOTAVAIL, EINPROGRESS, EINTR } = constants.errno;

/** socket(2); neither it nor what it accepts ever waits, and no child inherits it. */
export function openSocket(family: number, type: number): number {
  return answer(libc().socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/** bind(2) */
export function bindSocket(socket: number, address: FixedMemory): number {
  return answer(libc().bind(socket, address.address, address.bytes.length));
}

/** listen(2) */
export function listenOn(socket: number, backlog: number): number {
  return answer(libc().listen(socket, backlog));
}

/** connect(2) */
export function connectSocket(socket: number, address: FixedMemory): number {
  return answer(libc().connect(socket, address.address, address.bytes.length));
}

/** accept4(2); who it is tells {@linkcode peerName}. */
export function acceptSocket(listener: number): number {
  return answer(libc().accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

/** SHUT_WR of shutdown(2): the other side reads the end of the stream. */
export function endOutput(socket: number): number {
  return answer(libc().shutdown(socket, 1));
}

let lengthMemory: FixedMemory | undefined;
let optionMemory: FixedMemory | undefined;

/** getsockname(2): our own address. @returns its length. */
export function ownName(socket: number, into: FixedMemory): number {
  return nameOf(libc().getsockname, socket, into);
}

/** getpeername(2): the address of the other side. @returns its length. */
export function peerName(socket: number, into: FixedMemory): number {
  return nameOf(libc().getpeername, socket, into);
}

function nameOf(
  call: (socket: number, address: Address, length: Address) => number,
  socket: number,
  into: FixedMemory,
): number {
  lengthMemory ??= fixedMemory(4);
  lengthMemory.view.setUint32(0, into.bytes.length, true);
  const result = answer(call(socket, into.address, lengthMemory.address));
  return result < 0 ? result : lengthMemory.view.getUint32(0, true);
}

/** An option of setsockopt(2): its level and its number, both of Linux. */
export type SocketOption = readonly [level: number, name: number];
export const SO_REUSEADDR: SocketOption = [1, 2];
export const SO_KEEPALIVE: SocketOption = [1, 9];
export const SO_LINGER: SocketOption = [1, 13];
export const TCP_NODELAY: SocketOption = [6, 1];
export const IPV6_V6ONLY: SocketOption = [41, 26];
export const IPV6_RECVPKTINFO: SocketOption = [41, 49];

/** setsockopt(2) with one number, or two: `struct linger`. */
export function setOption(socket: number, [level, name]: SocketOption, ...values: number[]) {
  optionMemory ??= fixedMemory(8);
  for (const [index, value] of values.entries()) {
    optionMemory.view.setInt32(4 * index, value, true);
  }
  return answer(libc().setsockopt(socket, level, name, optionMemory.address, 4 * values.length));
}

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** recvmsg(2) without waiting. @param header a `struct msghdr`. */
export function receive(socket: number, header: Address): number {
  return answer(libc().recvmsg(socket, header, MSG_DONTWAIT));
}

/** sendmsg(2) without waiting. @param header a `struct msghdr`. */
export function sendMessage(socket: number, header: Address): number {
  return answer(libc().sendmsg(socket, header, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/** send(2) without waiting. */
export function send(socket: number, data: Address, bytes: number): number {
  return answer(libc().send(socket, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/** pipe2(2), neither end waiting. @param ends gets the two descriptors: to read from, to write to. */
export function openPipe(ends: FixedMemory): number {
  return answer(libc().pipe2(ends.address, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;

/** splice(2): bytes go from a socket to a pipe or back without passing through our memory. 0: the stream has ended. */
export function splice(from: number, to: number, bytes: number): number {
  return answer(libc().splice(from, 0, to, 0, bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
/** Told once when something becomes possible, not for as long as it is. */
export const EPOLLET = 2 ** 31;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
/** asm/epoll.h: packed on x86-64 alone. */
export const epollEvent =
  process.arch === "x64" ? ({ size: 12, data: 4 } as const) : ({ size: 16, data: 8 } as const);

/** epoll_create1(2) */
export function openEpoll(): number {
  return answer(libc().epoll_create1(SOCK_CLOEXEC));
}

let eventMemory: FixedMemory | undefined;

/** Has an epoll tell of a descriptor (EPOLL_CTL_ADD). @param data two numbers of 32 bits that come back with each event. */
export function watchDescriptor(
  epoll: number,
  descriptor: number,
  events: number,
  data: readonly [number, number],
): number {
  eventMemory ??= fixedMemory(16);
  eventMemory.view.setUint32(0, events, true);
  eventMemory.view.setUint32(epollEvent.data, data[0], true);
  eventMemory.view.setUint32(epollEvent.data + 4, data[1], true);
  return answer(libc().epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, eventMemory.address));
}

/** Has it tell no more (EPOLL_CTL_DEL). */
export function unwatchDescriptor(epoll: number, descriptor: number): number {
  return answer(libc().epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, 0));
}

/** epoll_wait(2). @param events room for `limit` events of {@linkcode epollEvent}. @returns how many there are. */
export function waitForEvents(
  epoll: number,
  events: FixedMemory,
  limit: number,
  timeoutMs: number,
): number {
  return answer(libc().epoll_wait(epoll, events.address, limit, timeoutMs));
}
