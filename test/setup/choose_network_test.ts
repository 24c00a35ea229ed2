import { describe, expect, test } from "bun:test";
import { formatPrefix, parsePrefix } from "../../lib/address/ipv6.ts";
import { formatIpv4Network, parseIpv4Network } from "../../lib/network/ipv4.ts";
import {
  checkUla,
  chooseNetwork,
  type NetworkChoice,
  parseBridgeIpv4,
  parseBridgeName,
} from "../../lib/setup/choose_network.ts";
import { networksInUse, parseInterfaces, parseRoutes } from "../../lib/setup/networks_in_use.ts";

const prefix = parsePrefix("300:2e98:a4b0:1789::/64");

/** Routes as ip(8) prints them. */
function routes(...pairs: readonly (readonly [dst: string, dev: string])[]) {
  return parseRoutes(JSON.stringify(pairs.map(([dst, dev]) => ({ dst, dev }))));
}

function choose(change: Partial<NetworkChoice>, used: readonly (readonly [string, string])[] = []) {
  const inUse = networksInUse([], routes(...used), "srvgrp0");
  const none = { wanted: {}, present: {}, configured: {}, inUse };
  const chosen = chooseNetwork({ bridge: "srvgrp0", prefix, ...none, ...change });
  return `${formatPrefix(chosen.ula)} ${formatIpv4Network(chosen.ipv4)}`;
}

const [ula1, ula2, ula3] = ["fd01::/64", "fd02::/64", "fd03::/64"].map((text) => parsePrefix(text));
const [a, b, c] = ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"].map(parseIpv4Network);

describe("chooseNetwork()", () => {
  test.each([
    ["the defaults", {}, "fdfc:16ed:7601::/64 10.199.0.0/24"],
    ["config.toml's", { configured: { ula: ula1, ipv4: a } }, "fd01::/64 10.1.0.0/24"],
    [
      "what is there before config.toml",
      { configured: { ula: ula1, ipv4: a }, present: { ula: ula2, ipv4: b } },
      "fd02::/64 10.2.0.0/24",
    ],
    [
      "what is wanted before what is there",
      { present: { ula: ula2, ipv4: b }, wanted: { ula: ula3, ipv4: c } },
      "fd03::/64 10.3.0.0/24",
    ],
  ])("takes %s", (_, change, wanted) => expect(choose(change)).toBe(wanted));

  test.each([
    [[["10.199.0.0/24", "eth0"]], "10.200.0.0/24"],
    [[["10.0.0.0/8", "wg0"]], "172.16.199.0/24"],
    [
      [
        ["10.0.0.0/8", "wg0"],
        ["172.16.0.0/12", "wg0"],
      ],
      "192.168.0.0/24",
    ],
    [
      [
        ["10.199.0.77", "eth0"],
        ["10.200.0.0/15", "eth1"],
      ],
      "10.202.0.0/24",
    ],
    [
      [
        ["default", "eth0"],
        ["0.0.0.0/0", "eth0"],
      ],
      "10.199.0.0/24",
    ],
    [[["10.199.0.0/24", "srvgrp0"]], "10.199.0.0/24"],
  ] as const)("passes over %j", (used, wanted) => {
    expect(choose({}, used)).toBe(`fdfc:16ed:7601::/64 ${wanted}`);
  });

  test("makes up a ULA of its own from the host's prefix, the same each time", () => {
    const used = [["fdfc::/16", "wg0"]] as const;
    const chosen = choose({}, used);
    expect(chosen).toMatch(/^fd[0-9a-f]{2}:[0-9a-f:]+::\/64 10\.199\.0\.0\/24$/);
    expect(choose({}, used)).toBe(chosen);
    expect(choose({ prefix: parsePrefix("300:1::/64") }, used)).not.toBe(chosen);
  });

  test.each([
    [{ wanted: { ipv4: a } }, "10.1.0.0/24 to srvgrp0: it overlaps the route 10.0.0.0/8 on wg0"],
    [
      { configured: { ipv4: a } },
      "10.1.0.0/24 to srvgrp0: it overlaps the route 10.0.0.0/8 on wg0",
    ],
    [{ wanted: { ula: ula1 } }, "fd01::/64 to srvgrp0: it overlaps the route fd00::/9 on wg0"],
  ])("refuses %p, and names the other", (change, message) => {
    const used = [
      ["10.0.0.0/8", "wg0"],
      ["fd00::/9", "wg0"],
    ] as const;
    expect(() => choose(change, used)).toThrow(`Cannot give ${message}`);
  });

  test("refuses a second bridge in the mesh prefix, and when nothing is free", () => {
    expect(() => choose({}, [["300:2e98:a4b0:1789::/64", "br0"]])).toThrow(
      "Cannot give 300:2e98:a4b0:1789::/64 to srvgrp0: it overlaps the route 300:2e98:a4b0:1789::/64 on br0",
    );
    expect(choose({}, [["200::/7", "tun0"]])).toBe("fdfc:16ed:7601::/64 10.199.0.0/24");
    expect(() => choose({}, [["fc00::/7", "wg0"]])).toThrow(/^Cannot find a free network/);
  });
});

describe("networksInUse()", () => {
  // ip -json -details address, iproute2 6.15, shortened.
  const interfaces = parseInterfaces(
    JSON.stringify([
      { ifname: "lo", link_type: "loopback", addr_info: [{ local: "127.0.0.1", prefixlen: 8 }] },
      {
        ifname: "eth0",
        link_type: "ether",
        addr_info: [
          { local: "192.0.2.7", prefixlen: 24 },
          { local: "fe80::1", prefixlen: 64 },
        ],
      },
      { ifname: "srvgrp0", link_type: "ether", linkinfo: { info_kind: "bridge" } },
      {},
    ]),
  );

  test("names addresses and routes, but not those of the bridge itself, of lo, or that lead nowhere", () => {
    const list = parseRoutes(
      JSON.stringify([
        { dst: "default", dev: "eth0", protocol: "ra" },
        { dst: "10.0.0.0/8", dev: "wg0" },
        { dst: "10.199.0.0/24", dev: "srvgrp0" },
        { type: "unreachable", dst: "fd00::/8", dev: "lo" },
        { type: "local", dst: "192.0.2.7", dev: "eth0" },
        { dst: "198.51.100.0/24" },
      ]),
    );
    expect(list[0]).toEqual({ device: "eth0", isAdvertised: true });
    expect(networksInUse(interfaces, list, "srvgrp0").map(({ what }) => what)).toEqual([
      "the address 192.0.2.7/24 of eth0",
      "the address fe80::1/64 of eth0",
      "the route 10.0.0.0/8 on wg0",
      "the route 198.51.100.0/24 on ?",
    ]);
  });
});

describe("what people type", () => {
  test.each([
    "10.0.0.0/8",
    "10.0.0.0/29",
    "10.0.0.1/24",
    "fd00::/64",
    "127.0.0.0/24",
    "0.1.0.0/16",
    "169.254.0.0/16",
    "239.1.0.0/16",
  ])("--ipv4 %s is refused", (text) => {
    expect(() => parseBridgeIpv4(text)).toThrow(/^Cannot (use|parse)/);
  });
  test.each(["2001:db8::/64", "300:1::/64", "fc00::/64"])("--ula %s is refused", (text) => {
    expect(() => checkUla(parsePrefix(text))).toThrow(/lies outside of fd00::\/8$/);
  });
  test.each([
    "",
    "lo",
    "all",
    "vb-x",
    "ve-x",
    "tun0",
    "host0",
    "a/b",
    "a b",
    "-x",
    "0123456789abcdef",
    "br%i",
    "x*",
  ])("--bridge %j is refused", (text) =>
    expect(() => parseBridgeName(text)).toThrow(/^Cannot call a bridge/),
  );
  test.each(["srvgrp0", "br.1", "0123456789abcde"])("--bridge %s is fine", (text) => {
    expect(parseBridgeName(text)).toBe(text);
  });
});
