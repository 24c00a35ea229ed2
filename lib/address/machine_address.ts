/**
 * Where a machine's address comes from: its name, and its host's prefix.
 *
 * @module
 */

import { formatIpv6, type Ipv6, type Ipv6Prefix, joinAddress, type Suffix } from "./ipv6.ts";

/**
 * The suffix of a machine: the low 64 bits of the SHA-256 of its name in UTF-8,
 * read big-endian (README.md, "Addresses").
 *
 * @example
 * formatSuffix(machineSuffix("TestBWContainer3")) // "1d44:bc13:a177:c4d"
 */
export function machineSuffix(name: string): Suffix {
  const digest = new Bun.CryptoHasher("sha256").update(name).digest("hex");
  return BigInt(`0x${digest.slice(48)}`) as Suffix;
}

/** Writes a suffix as its four groups, without leading zeros and never shortened by `::`. */
export function formatSuffix(suffix: Suffix): string {
  const hex = suffix.toString(16).padStart(16, "0");
  return [0, 4, 8, 12]
    .map((at) => Number.parseInt(hex.slice(at, at + 4), 16).toString(16))
    .join(":");
}

/** Whether a suffix is kept for the network itself: `::` and the bridge's `::1`. */
export function isReservedSuffix(suffix: Suffix): boolean {
  return suffix <= 1n;
}

/** The mesh address of the machine `name` on the host that owns `prefix`. */
export function machineAddress(name: string, prefix: Ipv6Prefix): Ipv6 {
  return joinAddress(prefix, machineSuffix(name));
}

/** {@linkcode machineAddress} as text, as RFC 5952 writes it. */
export function machineAddressText(name: string, prefix: Ipv6Prefix): string {
  return formatIpv6(machineAddress(name, prefix));
}
