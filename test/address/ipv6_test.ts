import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  formatIpv6,
  formatPrefix,
  type Ipv6,
  type Ipv6Prefix,
  isIpv6,
  joinAddress,
  parseIpv6,
  parsePrefix,
  prefixOf,
  type Suffix,
  suffixOf,
} from "../../lib/address/ipv6.ts";

const groups = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((parts) => parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n) as Ipv6);

const texts: readonly (readonly [given: string, canonical: string])[] = [
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::0001", "2001:db8::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["::ffff:192.0.2.1", "::ffff:c000:201"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
  ["300:2e98:a4b0:1789:1d44:bc13:a177:c4d", "300:2e98:a4b0:1789:1d44:bc13:a177:c4d"],
];

const notAddresses = [
  "",
  ":",
  ":::",
  "1",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8:9",
  "1::2::3",
  "12345::",
  "g::",
  "::1%eth0",
  "::1/64",
  " ::1",
  "::256.0.0.1",
  "1.2.3.4",
  ":1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:",
  "1:2:3:4:5:6:7:1.2.3.4",
];

test.each(texts)("parseIpv6() reads %p, formatIpv6() writes %p", (given, canonical) => {
  expect(formatIpv6(parseIpv6(given))).toBe(canonical);
});

test.each(notAddresses)("parseIpv6() refuses %p", (text) => {
  expect(() => parseIpv6(text)).toThrow(/^Cannot parse IPv6 address/);
});

test("isIpv6() takes what parseIpv6() reads, and nothing else", () => {
  for (const [given] of texts) expect(isIpv6(given)).toBe(true);
  for (const text of notAddresses) expect(isIpv6(text)).toBe(false);
});

test("parseIpv6() is the inverse of formatIpv6()", () => {
  fc.assert(fc.property(groups, (address) => parseIpv6(formatIpv6(address)) === address));
});

test("formatIpv6() agrees with the URL parser, which shortens by the same rules", () => {
  fc.assert(
    fc.property(groups, (address) => {
      expect(new URL(`http://[${formatIpv6(address)}]/`).hostname).toBe(`[${formatIpv6(address)}]`);
    }),
  );
});

test("an address is its prefix joined with its suffix", () => {
  fc.assert(
    fc.property(groups, (address) => joinAddress(prefixOf(address), suffixOf(address)) === address),
  );
});

test("parsePrefix() reads a network with and without its length", () => {
  const prefix = parsePrefix("300:2e98:a4b0:1789::/64");
  expect(parsePrefix("300:2e98:a4b0:1789::")).toBe(prefix);
  expect(formatPrefix(prefix)).toBe("300:2e98:a4b0:1789::/64");
  expect(joinAddress(prefix, 1n as Suffix)).toBe(parseIpv6("300:2e98:a4b0:1789::1"));
  expect(formatPrefix(0n as Ipv6Prefix)).toBe("::/64");
});

test.each(["300::/48", "300::1/64", "300::/64/64", "300::/", "x/64"])(
  "parsePrefix() refuses %p",
  (text) => {
    expect(() => parsePrefix(text)).toThrow(/^Cannot parse IPv6/);
  },
);
