import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Ipv6Prefix, parsePrefix } from "../../lib/address/ipv6.ts";
import { networkdFiles } from "../../lib/network/host_bridge.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import {
  renumberEnvFile,
  renumberNetworkFile,
  replacePrefixes,
} from "../../lib/network/renumber_text.ts";

const [mesh, ula] = [parsePrefix("301:9:8:7::/64"), parsePrefix("fd00:0:0:2::/64")];
const prefixes = { MAN8S_YGGDRASIL_ADDRESS: mesh, MAN8S_ULA_ADDRESS: ula };

test("renumberEnvFile() changes the two addresses, and nothing else", () => {
  const text = `# MAN8S_YGGDRASIL_ADDRESS=300:1:2:3::5
MAN8S_YGGDRASIL_ADDRESS=300:1:2:3:aa:bb:cc:dd
PEER=300:1:2:3:aa:bb:cc:dd
no equals sign
=nameless
MAN8S_ULA_ADDRESS=fd00:0:0:2:aa:bb:cc:dd
MAN8S_APPLICATION_ARGS=serve $MAN8S_YGGDRASIL_ADDRESS=300:1:2:3::5
LATIN=caf\xe9\r
MAN8S_YGGDRASIL_ADDRESS=300:1:2:3::7`;
  const renumbered = renumberEnvFile(text, prefixes);
  expect(renumbered.text).toBe(
    text
      .replace("\nMAN8S_YGGDRASIL_ADDRESS=300:1:2:3:aa", "\nMAN8S_YGGDRASIL_ADDRESS=301:9:8:7:aa")
      .replace("S=300:1:2:3::7", "S=301:9:8:7::7"),
  );
  expect(renumbered.variables).toEqual([
    {
      key: "MAN8S_YGGDRASIL_ADDRESS",
      from: "300:1:2:3:aa:bb:cc:dd",
      to: "301:9:8:7:aa:bb:cc:dd",
    },
    { key: "MAN8S_YGGDRASIL_ADDRESS", from: "300:1:2:3::7", to: "301:9:8:7::7" },
  ]);
  // The later line wins, as in man8s-init.
  expect(renumbered.addresses.get("MAN8S_YGGDRASIL_ADDRESS")).toBe((mesh | 7n) as never);
  expect(renumberEnvFile(renumbered.text, prefixes).variables).toEqual([]);
});

test("renumberEnvFile() leaves a value alone that is no address, and files without one", () => {
  for (const text of ["", "\n", "MAN8S_YGGDRASIL_ADDRESS=", "MAN8S_ULA_ADDRESS=none\n", "A=1"]) {
    expect(renumberEnvFile(text, prefixes)).toEqual({ text, variables: [], addresses: new Map() });
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(renumberEnvFile(text, prefixes).text).toBe(text);
    }),
  );
});

/** The lines that this is about, of any bridge. */
const file = (groups: string) => `[Match]
Name=srvgrp0
[Network]
IPMasquerade=both
[Address]
Address=${groups}::1/128
[Route]
Destination=${groups}::/64
[Route]
# To hostb, by a cable.
Destination=302:1:1:1::/64
Gateway=fe80::1
[Address]
Address=fdfc:16ed:7601::1/64
[Address]
Address=10.199.0.1/24
`;

test("renumberNetworkFile() puts the new prefix where the bridge's own stood", () => {
  expect(renumberNetworkFile(file("300:1:2:3"), mesh)).toBe(file("301:9:8:7"));
  expect(renumberNetworkFile(file("301:9:8:7"), mesh)).toBe(file("301:9:8:7"));
  const without = file("fd00:1:2:3");
  expect(renumberNetworkFile(without, mesh)).toBe(without);
});

test("renumberNetworkFile() does to the bridge's file what rendering it for the new prefix does", () => {
  const rendered = (prefix: Ipv6Prefix) =>
    networkdFiles({ ...defaultHostNetworks, prefix }).map(({ text }) => text);
  const before = rendered(parsePrefix("300:1:2:3::/64"));
  expect(before.map((text) => renumberNetworkFile(text, mesh))).toEqual(rendered(mesh));
  expect(rendered(mesh)).not.toEqual(before);
});

test("replacePrefixes() puts prefixes wherever a former one stands, and leaves all else", () => {
  const text = `# 300:1:2:3::5 in a comment
Address=300:1:2:3:a:b:c:d/64
Gateway=300:1:2:3::1
Destination=300:1:2:3::/64
Destination=200::/7
Destination=::/0
MACAddress=30:01:02:03:04:05
Address=fd00:1::5/64
`;
  const prefixes = new Map([
    [parsePrefix("300:1:2:3::/64"), parsePrefix("301:9:8:7::/64")],
    [parsePrefix("fd00:1::/64"), parsePrefix("fd00:2::/64")],
  ]);
  expect(replacePrefixes(text, prefixes)).toBe(
    text.replaceAll("300:1:2:3:", "301:9:8:7:").replace("fd00:1::", "fd00:2::"),
  );
});
