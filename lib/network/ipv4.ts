/**
 * IPv4 networks as text and as integers of 32 bits.
 *
 * @module
 */

import type { Branded } from "../brand.ts";
import { usageError } from "../errors.ts";

/** An IPv4 address, as the integer of its 32 bits. */
export type Ipv4 = Branded<number, "Ipv4">;

/** A network in CIDR form: the address with all host bits 0. */
export interface Ipv4Network {
  readonly address: Ipv4;
  /** Bits of the network, 0 to 32. */
  readonly length: number;
}

/**
 * Reads `192.0.2.1`: four decimal numbers, none with a leading zero.
 *
 * @throws {MbctlError} (usage) when the text is no IPv4 address.
 */
export function parseIpv4(text: string): Ipv4 {
  const parts = text.split(".");
  const isNumber = (part: string) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255;
  if (parts.length !== 4 || !parts.every(isNumber)) {
    throw usageError(
      `Cannot parse IPv4 address ${JSON.stringify(text)}: not four numbers of 0 to 255 with dots`,
    );
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0) as Ipv4;
}

/** Writes an address; the inverse of {@linkcode parseIpv4}. */
export function formatIpv4(address: Ipv4): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/**
 * Reads a network such as `10.199.0.0/24`.
 *
 * @throws {MbctlError} (usage) when it is no network, or host bits are set.
 */
export function parseIpv4Network(text: string): Ipv4Network {
  const fail = (state: string) =>
    usageError(`Cannot parse IPv4 network ${JSON.stringify(text)}: ${state}`);
  const slash = text.indexOf("/");
  const length = text.slice(slash + 1);
  if (slash < 0 || !/^(0|[1-9]\d?)$/.test(length) || Number(length) > 32) {
    throw fail('it has no length of 0 to 32 behind a "/"');
  }
  const network = { address: parseIpv4(text.slice(0, slash)), length: Number(length) };
  if (firstOf(network.address, network.length) !== network.address) {
    throw fail(`bits are set behind the ${network.length}th`);
  }
  return network;
}

/** Writes a network; the inverse of {@linkcode parseIpv4Network}. */
export function formatIpv4Network({ address, length }: Ipv4Network): string {
  return `${formatIpv4(address)}/${length}`;
}

/** The address at a distance from a network's first: 1 is the usual gateway. */
export function ipv4At(network: Ipv4Network, offset: number): Ipv4 {
  return (network.address + offset) as Ipv4;
}

/** Whether two networks have an address in common. */
export function overlapsIpv4(a: Ipv4Network, b: Ipv4Network): boolean {
  const length = Math.min(a.length, b.length);
  return firstOf(a.address, length) === firstOf(b.address, length);
}

function firstOf(address: number, length: number): number {
  const size = 2 ** (32 - length);
  return Math.floor(address / size) * size;
}
