import { expect, test } from "bun:test";
import { formatPrefix, parseIpv6, parsePrefix } from "../../lib/address/ipv6.ts";
import { MbctlError } from "../../lib/errors.ts";
import { defaultHostConfig, parseHostConfig } from "../../lib/config/host_config.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseIpv4Network } from "../../lib/network/ipv4.ts";

const file = "/etc/mbctl/config.toml";

test("parseHostConfig() gives the defaults where there is no file, or an empty one", () => {
  expect(parseHostConfig(undefined, file)).toEqual({
    ...defaultHostNetworks,
    domain: "mesh.internal",
    hosts: [],
    stopTimeoutSec: 10,
    imageTrees: "auto",
    snapshotsKeep: 5,
  });
  expect(parseHostConfig("# nothing\n", file)).toEqual({
    ...defaultHostConfig,
    busybox: undefined,
    prefix: undefined,
  });
});

test("parseHostConfig() reads every key", () => {
  const text =
    'bridge = "br0"\nprefix = "300:2e98:a4b0:1789::/64"\nbusybox = "/opt/busybox"\nstop_timeout_sec = 30\nimage_trees = "always"\nsnapshots_keep = 2\nula = "fd00::/64"\nipv4 = "10.1.0.0/16"\ndomain = "lan"\n[hosts]\nhostb = "300::/64"\n';
  const { prefix, ...rest } = parseHostConfig(text, file);
  expect(prefix && formatPrefix(prefix)).toBe("300:2e98:a4b0:1789::/64");
  expect(rest).toEqual({
    bridge: "br0",
    ula: parsePrefix("fd00::/64"),
    ipv4: parseIpv4Network("10.1.0.0/16"),
    domain: "lan",
    hosts: [{ name: "hostb", prefix: parsePrefix("300::/64") }],
    busybox: "/opt/busybox",
    stopTimeoutSec: 30,
    imageTrees: "always",
    snapshotsKeep: 2,
  });
});

test("parseHostConfig() reads hosts by key, address or prefix, in their order", () => {
  const text = `[hosts]
hostb = "cc11c73bd4271b10b2ecba1d01a06c1465c053e665f2d9b3c97480559628bc56"
"c.example.org" = "201::5"
d = "302::/64"
`;
  expect(parseHostConfig(text, file).hosts).toEqual([
    {
      name: "hostb",
      address: parseIpv6("200:67dc:7188:57b1:c9de:9a26:8bc5:fcbf"),
      prefix: parsePrefix("300:67dc:7188:57b1::/64"),
    },
    { name: "c.example.org", address: parseIpv6("201::5"), prefix: parsePrefix("301::/64") },
    { name: "d", prefix: parsePrefix("302::/64") },
  ]);
});

const bad: readonly (readonly [text: string, state: RegExp])[] = [
  ["= 1", /^Cannot read "\/etc\/mbctl\/config.toml": line 1, column 1: /],
  ['bridge = "br0"\nbridge = "br1"', /line 2, column 1: /],
  [
    'bridge = "sixteen-characte"',
    /: bridge: "sixteen-characte" is not an interface name of 1 to 15 characters$/,
  ],
  ['bridge = "a b"', /: bridge: "a b" is not /],
  ['bridge = ""', /: bridge: "" is not /],
  [
    'prefix = "300::1/64"',
    /: prefix: Cannot parse IPv6 prefix "300::1\/64": bits are set behind the 64th$/,
  ],
  ['prefix = "300::/63"', /: prefix: Cannot parse IPv6 prefix /],
  ['busybox = "busybox"', /: busybox: "busybox" is not an absolute path$/],
  ["stop_timeout_sec = 0", /: stop_timeout_sec: .*received 0$/i],
  ["stop_timeout_sec = 1.5", /: stop_timeout_sec: .*received 1.5$/i],
  ["snapshots_keep = -1", /: snapshots_keep: .*>=0 but received -1$/],
  ['image_trees = "sometimes"', /: image_trees: expected .*"always".* but received "sometimes"$/],
  ['Bridge = "br0"', /: line 1: unknown key "Bridge", did you mean "bridge"\?$/],
  ["hosts = 1", /: line 1: hosts: expected Object but received 1$/],
  ["[hosts]\nb = 1", /: hosts.b: expected string but received 1$/],
  ['[hosts]\nb.c = "300::/64"', /: hosts.b: expected string but received /],
  ['[hosts]\nb = "300::/64"\nb = "301::/64"', /line 3, column 1: /],
  ['[hosts]\nb = "300::/64"\nB = "301::/64"', /: hosts: .*"B": it is the same as "b"$/],
  ['[hosts]\nb = "300::/64"\nc = "200::1"', /: hosts: .*"c": it is the same as "b"$/],
  ['[hosts]\ntrusted = "300::/64"', /: hosts: .*"trusted": it is no name for a host$/],
  ['[hosts]\nmesh = "300::/64"', /: hosts: .*"mesh": it is no name for a host$/],
  ['[hosts]\n"a b" = "300::/64"', /: hosts: .*"a b": it is no name for a host$/],
  ['[hosts]\nlocalhost = "300::/64"', /: hosts: .*"localhost": it is no name for a host$/],
  ['[hosts]\nb = "fd00::1"', /: hosts: .*outside of the mesh, 200::\/7$/],
  ['domain = "a b"', /: domain: "a b" is not a domain name$/],
];
test.each(bad)("parseHostConfig() refuses %j as bad input, with a hint", (text, state) => {
  let error: unknown;
  try {
    parseHostConfig(text, file);
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof MbctlError)) throw new Error("no MbctlError");
  expect(error.message).toMatch(state);
  expect([error.kind, error.hint?.startsWith("mend the file; ")]).toEqual(["usage", true]);
});
