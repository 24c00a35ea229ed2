/**
 * IPv6 addresses as 128-bit integers: text and arithmetic.
 *
 * @module
 */

import type { Branded } from "../brand.ts";
import { MbctlError, usageError } from "../errors.ts";

/** An IPv6 address, as the integer of its 128 bits. */
export type Ipv6 = Branded<bigint, "Ipv6">;

/** The first 64 bits of an address, shifted to the top of 128: the network `/64`. */
export type Ipv6Prefix = Branded<bigint, "Ipv6Prefix">;

/** The low 64 bits of an address: its interface identifier. */
export type Suffix = Branded<bigint, "Suffix">;

const low64 = (1n << 64n) - 1n;

/**
 * Reads the text form of RFC 4291 section 2.2, without zone and without prefix
 * length.
 *
 * @throws {MbctlError} (usage) when the text is no IPv6 address.
 */
export function parseIpv6(text: string): Ipv6 {
  const fail = (state: string) =>
    usageError(`Cannot parse IPv6 address ${JSON.stringify(text)}: ${state}`);
  let rest = text;
  const tail: bigint[] = [];
  const dotted = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (dotted) {
    const bytes = dotted.slice(2).map(Number);
    if (bytes.some((byte) => byte > 255)) throw fail("a byte of the IPv4 part is above 255");
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    tail.push(BigInt(a * 256 + b), BigInt(c * 256 + d));
    rest = dotted[1] ?? "";
    // "::1.2.3.4" keeps its "::"; "1:2:…:6:1.2.3.4" loses the last colon.
    if (!rest.endsWith("::")) rest = rest.slice(0, -1);
  }
  const halves = rest.split("::");
  if (halves.length > 2) throw fail('"::" stands in it twice');
  const groupsOf = (half: string): bigint[] =>
    half === ""
      ? []
      : half.split(":").map((group) => {
          if (!/^[0-9a-fA-F]{1,4}$/.test(group)) {
            throw fail(
              `the group ${JSON.stringify(group)} is no number of 1 to 4 hexadecimal digits`,
            );
          }
          return BigInt(`0x${group}`);
        });
  const head = groupsOf(halves[0] ?? "");
  const end = [...groupsOf(halves[1] ?? ""), ...tail];
  const missing = 8 - head.length - end.length;
  if (halves.length === 1 && missing !== 0) {
    throw fail(`it has ${head.length + end.length} groups instead of 8`);
  }
  if (halves.length === 2 && missing < 1) throw fail('it has too many groups beside "::"');
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...end];
  return groups.reduce((sum, group) => (sum << 16n) | group, 0n) as Ipv6;
}

/** Whether a text is an address that {@linkcode parseIpv6} reads. */
export function isIpv6(text: string): boolean {
  try {
    parseIpv6(text);
    return true;
  } catch (error) {
    if (error instanceof MbctlError) return false;
    throw error;
  }
}

/** Writes an address as RFC 5952 section 4 recommends; the inverse of {@linkcode parseIpv6}. */
export function formatIpv6(address: Ipv6): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) {
    groups.push(Number((address >> shift) & 0xffffn));
  }
  // The longest run of two or more zero groups, the first of equals (4.2.2, 4.2.3).
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.length < 2) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}

/**
 * Reads a network of 64 bits: `300:2e98:a4b0:1789::/64`, or the same without
 * the length.
 *
 * @throws {MbctlError} (usage) when it is no IPv6 network, its length is not
 * 64, or bits stand behind the 64th.
 */
export function parsePrefix(text: string): Ipv6Prefix {
  const fail = (state: string) =>
    usageError(`Cannot parse IPv6 prefix ${JSON.stringify(text)}: ${state}`);
  const [addressText = "", length, ...more] = text.split("/");
  if (more.length > 0) throw fail('it has two "/"');
  if (length !== undefined && length !== "64") {
    throw fail(`its length is ${JSON.stringify(length)} instead of 64`);
  }
  const address = parseIpv6(addressText);
  if ((address & low64) !== 0n) throw fail("bits are set behind the 64th");
  return address as bigint as Ipv6Prefix;
}

/** Writes a network with its length; the inverse of {@linkcode parsePrefix}. */
export function formatPrefix(prefix: Ipv6Prefix): string {
  return `${formatIpv6(prefix as bigint as Ipv6)}/64`;
}

/** The network `/64` in which an address lies. */
export function prefixOf(address: Ipv6): Ipv6Prefix {
  return (address & ~low64) as Ipv6Prefix;
}

/** The low 64 bits of an address. */
export function suffixOf(address: Ipv6): Suffix {
  return (address & low64) as Suffix;
}

/** Puts a network and an interface identifier together. */
export function joinAddress(prefix: Ipv6Prefix, suffix: Suffix): Ipv6 {
  return (prefix | suffix) as bigint as Ipv6;
}
