/**
 * Socket addresses as Linux has them in memory (sockaddr_in, sockaddr_in6: ip(7), ipv6(7)).
 *
 * @module
 */

import { parseIpv6 } from "../address/ipv6.ts";
import { parseIpv4 } from "./ipv4.ts";

const AF_INET = 2;
const AF_INET6 = 10;

/** Longest of both. */
export const longestAddressBytes = 28;

/**
 * Writes an address and a port.
 *
 * @param address an IPv4 or IPv6 address as text; `::` and `0.0.0.0` are all of a host.
 * @throws {MbctlError} (usage) when it is neither.
 */
export function encodeSocketAddress(address: string, port: number): Uint8Array {
  const isIpv6 = address.includes(":");
  const bytes = new Uint8Array(isIpv6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  // The family in the machine's own order, the port in the network's.
  view.setUint16(0, isIpv6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  if (isIpv6) {
    const number = parseIpv6(address);
    view.setBigUint64(8, number >> 64n);
    view.setBigUint64(16, number & 0xffff_ffff_ffff_ffffn);
  } else {
    view.setUint32(4, parseIpv4(address));
  }
  return bytes;
}

/** Where the address itself lies in a socket address: 4 bytes of IPv4, or 16 of IPv6. */
export function addressBytes(socketAddress: Uint8Array): Uint8Array {
  return socketAddress[0] === AF_INET6
    ? socketAddress.subarray(8, 24)
    : socketAddress.subarray(4, 8);
}

/** The two bytes of the port, in the network's order. */
export function portBytes(socketAddress: Uint8Array): Uint8Array {
  return socketAddress.subarray(2, 4);
}
