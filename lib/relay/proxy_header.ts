/**
 * The PROXY protocol, version 2: who asks, in front of what he says (haproxy's doc/proxy-protocol.txt, 2.2).
 *
 * @module
 */

import { addressBytes, portBytes } from "../network/socket_address.ts";

/** Longest header that is written: 16 bytes, two IPv6 addresses and two ports. */
export const longestHeaderBytes = 52;

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
/** Version 2, command PROXY. */
const versionAndCommand = 0x21;
const family = { ipv4: 0x10, ipv6: 0x20 } as const;
const transport = { tcp: 0x1, udp: 0x2 } as const;
/** ::ffff:0:0/96, as an IPv6 socket shows IPv4 (RFC 4291, 2.5.5.2). */
const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * Writes a header.
 *
 * @param client where the connection or datagram comes from, as a socket address.
 * @param server where it went to.
 * @param into room for {@linkcode longestHeaderBytes}.
 * @returns the header's length in bytes.
 */
export function writeProxyHeader(
  protocol: "tcp" | "udp",
  client: Uint8Array,
  server: Uint8Array,
  into: Uint8Array,
): number {
  const from = plainAddress(addressBytes(client));
  const to = plainAddress(addressBytes(server));
  const isIpv6 = from.length === 16;
  const addressesLength = 2 * from.length + 4;
  into.set(signature);
  into[12] = versionAndCommand;
  into[13] = (isIpv6 ? family.ipv6 : family.ipv4) | transport[protocol];
  into[14] = 0;
  into[15] = addressesLength;
  into.set(from, 16);
  into.set(to, 16 + from.length);
  into.set(portBytes(client), 16 + 2 * from.length);
  into.set(portBytes(server), 18 + 2 * from.length);
  return 16 + addressesLength;
}

function plainAddress(address: Uint8Array): Uint8Array {
  return address.length === 16 && mappedPrefix.every((byte, index) => address[index] === byte)
    ? address.subarray(12)
    : address;
}
