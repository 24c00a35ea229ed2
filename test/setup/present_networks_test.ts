import { describe, expect, test } from "bun:test";
import { formatPrefix } from "../../lib/address/ipv6.ts";
import { formatIpv4Network } from "../../lib/network/ipv4.ts";
import { advertisedUplinks, uplinkCandidates } from "../../lib/setup/host_facts.ts";
import { parseInterfaces, parseRoutes } from "../../lib/setup/networks_in_use.ts";
import { presentNetworks } from "../../lib/setup/present_networks.ts";
import { doneFacts } from "./_input.ts";

/** A bridge with these addresses. */
function bridge(...addresses: string[]) {
  const addr_info = addresses.map((text) => {
    const [local, length] = text.split("/");
    return { local, prefixlen: Number(length) };
  });
  return { interfaces: parseInterfaces(JSON.stringify([{ ifname: "srvgrp0", addr_info }])) };
}

describe("presentNetworks()", () => {
  test.each([
    [["10.9.0.1/24", "fd01::1/64", "300:1::1/128", "fe80::1/64"], "fd01::/64", "10.9.0.0/24"],
    [["10.9.0.2/24", "fd01::2/64"], undefined, undefined],
    [["10.9.0.1/8", "2001:db8::1/64"], undefined, undefined],
    [[], undefined, undefined],
  ])("of a bridge with %j are %p and %p", (addresses, ula, ipv4) => {
    const found = presentNetworks(bridge(...addresses), "srvgrp0", undefined);
    expect(found.ula === undefined ? undefined : formatPrefix(found.ula)).toBe(ula);
    expect(found.ipv4 === undefined ? undefined : formatIpv4Network(found.ipv4)).toBe(ipv4);
  });

  test("are the record's, where there is one", () => {
    const { ula } = presentNetworks(bridge("fd01::1/64"), "srvgrp0", doneFacts());
    expect(ula && formatPrefix(ula)).toBe("fdfc:16ed:7601::/64");
  });
});

describe("uplinks", () => {
  const facts = {
    interfaces: parseInterfaces(
      JSON.stringify([
        { ifname: "lo", link_type: "loopback" },
        { ifname: "eth0", link_type: "ether" },
        { ifname: "br0", link_type: "ether", linkinfo: { info_kind: "bridge" } },
        { ifname: "docker0", link_type: "ether", linkinfo: { info_kind: "bridge" } },
        { ifname: "srvgrp0", link_type: "ether", linkinfo: { info_kind: "bridge" } },
        { ifname: "wg0", link_type: "none", linkinfo: { info_kind: "wireguard" } },
      ]),
    ),
    routes: parseRoutes(
      JSON.stringify([
        { dst: "default", dev: "br0", protocol: "ra" },
        { dst: "default", dev: "eth0", protocol: "ra" },
        { dst: "default", dev: "eth0", protocol: "ra" },
        { dst: "default", dev: "wg0" },
        { dst: "fd00::/64", dev: "eth1", protocol: "ra" },
      ]),
    ),
    managed: new Set(["br0"]),
    tables: [],
  };

  test("are cards and what leads to the world", () => {
    expect(uplinkCandidates(facts, "srvgrp0")).toEqual(["eth0", "br0"]);
  });

  test("get router advertisements by the kernel where no service does it", () => {
    expect(advertisedUplinks(facts)).toEqual(["eth0"]);
  });
});
