import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatIpv6, formatPrefix } from "../../lib/address/ipv6.ts";
import { parseTrustedHost } from "../../lib/address/trusted_host.ts";
import { yggdrasilAddress, yggdrasilPrefix } from "../../lib/address/yggdrasil.ts";
import { MbctlError } from "../../lib/errors.ts";

/** As `yggdrasilctl getself` of a 0.5.12 shows the three. */
const key = "cc11c73bd4271b10b2ecba1d01a06c1465c053e665f2d9b3c97480559628bc56";
const [address, prefix] = ["200:67dc:7188:57b1:c9de:9a26:8bc5:fcbf", "300:67dc:7188:57b1::/64"];

const good: readonly (readonly [value: string, address: string | undefined, prefix: string])[] = [
  [key, address, prefix],
  [key.toUpperCase(), address, prefix],
  [address, address, prefix],
  ["0200:67DC:7188:57b1:c9de:9a26:8bc5:fcbf", address, prefix],
  [prefix, undefined, prefix],
  // A machine's or the bridge's address names the network, not the host.
  ["300:67dc:7188:57b1::1", undefined, prefix],
  ["2ff::1", "2ff::1", "3ff::/64"],
];
test.each(good)("parseTrustedHost() reads %s", (value, address, prefix) => {
  const host = parseTrustedHost("hostb", value);
  expect(host.name).toBe("hostb");
  expect(host.address === undefined ? undefined : formatIpv6(host.address)).toBe(address);
  expect(formatPrefix(host.prefix)).toBe(prefix);
});

const bad: readonly (readonly [value: string, state: RegExp])[] = [
  ["", /IPv6 address ""/],
  ["hostb", /IPv6 address "hostb"/],
  [key.slice(1), /IPv6 address/],
  [`${key}0`, /IPv6 address/],
  ["fd00::1", /^Cannot trust the host "hostb": "fd00::1" lies outside of the mesh, 200::\/7$/],
  ["400::1", /outside of the mesh/],
  ["fd00::/64", /outside of the mesh/],
  ["200:1:2:3::/64", /outside of the mesh/],
  ["300::/63", /length is "63" instead of 64/],
  ["300::1/64", /bits are set behind the 64th/],
  ["200::1/128", /length is "128" instead of 64/],
  ["0".repeat(64), /leading zero bits|outside of the mesh/],
];
test.each(bad)("parseTrustedHost() refuses %j as bad input", (value, state) => {
  let error: unknown;
  try {
    parseTrustedHost("hostb", value);
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof MbctlError)) throw new Error(`no MbctlError: ${error}`);
  expect([error.kind, error.message]).toEqual(["usage", expect.stringMatching(state)]);
});

test("key, address and prefix of one node name one host", () => {
  // 16 leading zero bits are none of the few that fit no address.
  const keys = fc.stringMatching(/^[0-9a-f]{4}[1-9a-f][0-9a-f]{59}$/);
  fc.assert(
    fc.property(keys, (key) => {
      const address = yggdrasilAddress(key);
      const [byKey, byAddress, byPrefix] = [
        key,
        formatIpv6(address),
        formatPrefix(yggdrasilPrefix(address)),
      ].map((value) => parseTrustedHost("x", value));
      expect(byKey).toEqual(byAddress);
      expect(byPrefix?.prefix).toBe(byKey?.prefix as never);
    }),
  );
});
