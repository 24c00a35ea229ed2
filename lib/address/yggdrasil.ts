/**
 * Yggdrasil's addresses, computed offline from a node's public key.
 *
 * @module
 */

import { type Ipv6, type Ipv6Prefix, prefixOf } from "./ipv6.ts";
import { usageError } from "../errors.ts";

/**
 * The address `2xx:…` of a node: the byte 0x02, the number of leading one bits
 * of the inverted key, then the inverted key's bits behind the first zero
 * (yggdrasil, "address" package; unchanged since 0.4).
 *
 * @param publicKey 64 hexadecimal digits, as `yggdrasilctl getself` prints them.
 * @throws {MbctlError} (usage) when it is no key, or one that fits no address.
 */
export function yggdrasilAddress(publicKey: string): Ipv6 {
  const fail = (state: string) =>
    usageError(
      `Cannot use yggdrasil public key ${JSON.stringify(publicKey)}: ${state}`,
      "yggdrasilctl -json getself prints the key of a running node",
    );
  if (!/^[0-9a-fA-F]{64}$/.test(publicKey)) throw fail("it is not 64 hexadecimal digits");
  const bits = 256n;
  const inverted = BigInt(`0x${publicKey}`) ^ ((1n << bits) - 1n);
  let ones = 0n;
  while (ones < bits && (inverted >> (bits - 1n - ones)) & 1n) ones++;
  // 14 bytes of address follow the two of prefix and count, and the first zero is left out.
  if (bits - ones - 1n < 112n) throw fail("it has too many leading zero bits for an address");
  const rest = (inverted >> (bits - ones - 1n - 112n)) & ((1n << 112n) - 1n);
  return ((0x02n << 120n) | (ones << 112n) | rest) as Ipv6;
}

/** The `/64` that a node may hand out (`3xx:…`): its address with the lowest bit of the first byte set. */
export function yggdrasilPrefix(address: Ipv6): Ipv6Prefix {
  return (prefixOf(address) | (1n << 120n)) as Ipv6Prefix;
}

/** Whether a network lies in `300::/8`, where yggdrasil's subnets are. */
export function isYggdrasilPrefix(prefix: Ipv6Prefix): boolean {
  return prefix >> 120n === 3n;
}
