/**
 * One datagram on its way through our memory, with the addresses of both sides (recvmsg(2); `struct msghdr` and
 * `struct cmsghdr` of 64-bit Linux).
 *
 * @module
 */

import { type FixedMemory, fixedMemory } from "../host/libc_at.ts";
import { receive, sendMessage } from "../host/libc_socket.ts";
import { longestAddressBytes } from "../network/socket_address.ts";

/** Longest payload of UDP. */
const longestDatagramBytes = 65_535;
/** Room for a PROXY header in front. */
export const headroomBytes = 64;
/** One message of control: in6_pktinfo, or in_pktinfo. */
const controlBytes = 40;

/** Who is on the other side, and at which of our addresses. */
export interface Peer {
  /** A socket address. */
  readonly name: Uint8Array;
  /** Control messages as they came: sent back, they make the kernel answer from the address that was asked. */
  readonly control: Uint8Array;
}

/** The memory of one datagram at a time, used again for each. */
export class DatagramMessage {
  /** The datagram lies behind {@linkcode headroomBytes}. */
  readonly data: FixedMemory = fixedMemory(headroomBytes + longestDatagramBytes);
  readonly #name = fixedMemory(longestAddressBytes);
  readonly #control = fixedMemory(controlBytes);
  readonly #vector = fixedMemory(16);
  readonly #header = fixedMemory(56);

  constructor() {
    this.#header.view.setBigUint64(16, BigInt(this.#vector.address), true);
    this.#header.view.setBigUint64(24, 1n, true);
  }

  /** Receives one. @returns its length, or -errno. */
  receive(socket: number): number {
    this.#point(headroomBytes, longestDatagramBytes);
    this.#setName(longestAddressBytes);
    this.#setControl(controlBytes);
    return receive(socket, this.#header.address);
  }

  /** Where the last one came from; memory that the next one changes. */
  get peer(): Peer {
    const { view } = this.#header;
    return {
      name: this.#name.bytes.subarray(0, view.getUint32(8, true)),
      control: this.#control.bytes.subarray(0, view.getUint32(40, true)),
    };
  }

  /**
   * Sends bytes of {@linkcode data}.
   *
   * @param to undefined for a socket that is connected.
   * @returns their number, or -errno.
   */
  send(socket: number, offset: number, bytes: number, to?: Peer): number {
    this.#point(offset, bytes);
    if (to !== undefined) {
      this.#name.bytes.set(to.name);
      this.#control.bytes.set(to.control);
    }
    this.#setName(to?.name.length ?? 0);
    this.#setControl(to?.control.length ?? 0);
    return sendMessage(socket, this.#header.address);
  }

  #point(offset: number, bytes: number): void {
    this.#vector.view.setBigUint64(0, BigInt(this.data.address + offset), true);
    this.#vector.view.setBigUint64(8, BigInt(bytes), true);
  }

  #setName(bytes: number): void {
    const { view } = this.#header;
    view.setBigUint64(0, bytes === 0 ? 0n : BigInt(this.#name.address), true);
    view.setUint32(8, bytes, true);
  }

  #setControl(bytes: number): void {
    const { view } = this.#header;
    view.setBigUint64(32, bytes === 0 ? 0n : BigInt(this.#control.address), true);
    view.setBigUint64(40, BigInt(bytes), true);
  }
}

/** Where the addresses lie in a control message, by `cmsg_level` and `cmsg_type`. */
const IPPROTO_IPV6 = 41;
const IPV6_PKTINFO = 50;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;

/**
 * A peer that outlives the next datagram. The interface that the datagram came in by is left out of it, but for a
 * link-local address, which means nothing without: the answer goes where the routes say.
 */
export function keepPeer({ name, control }: Peer): Peer {
  const kept = { name: name.slice(), control: control.slice() };
  const view = new DataView(kept.control.buffer);
  if (control.length < 28) return kept;
  const [level, type] = [view.getInt32(8, true), view.getInt32(12, true)];
  if (level === IPPROTO_IP && type === IP_PKTINFO) view.setUint32(16, 0, true);
  const isLinkLocal = control[16] === 0xfe && ((control[17] ?? 0) & 0xc0) === 0x80;
  if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && !isLinkLocal) view.setUint32(32, 0, true);
  return kept;
}

/** What tells one client from another: his address and port, and which of our addresses he asked. */
export function peerKey({ name, control }: Peer): string {
  return Buffer.concat([name, control.subarray(16)]).toString("latin1");
}
