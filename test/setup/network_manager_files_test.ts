import { describe, expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import type { HostNetwork } from "../../lib/network/host_network.ts";
import { parseIpv4Network } from "../../lib/network/ipv4.ts";
import { connectionFile, networkManagerFiles } from "../../lib/setup/network_manager_files.ts";
import { expectGolden } from "../golden/golden.ts";
import { network } from "./_input.ts";

const other: HostNetwork = {
  bridge: "br.1",
  prefix: parsePrefix("300:0:0:1::/64"),
  ula: parsePrefix("fd00:1::/64"),
  ipv4: parseIpv4Network("172.16.16.0/20"),
};

/** The values of a key of the connection, in order. */
function values(text: string, key: string): string[] {
  return [...text.matchAll(new RegExp(`^${key}\\d*=(.*)$`, "gm"))].map(([, value = ""]) => value);
}

function connectionOf(host: HostNetwork): string {
  const found = networkManagerFiles(host).find(({ path }) => path === connectionFile(host.bridge));
  return found?.text ?? "";
}

describe("networkManagerFiles()", () => {
  test("are these", () => {
    const files = networkManagerFiles(network);
    expect(files.map(({ path, mode }) => `${mode.toString(8)} ${path}`)).toEqual([
      "644 /etc/NetworkManager/dnsmasq-shared.d/mbctl-srvgrp0.conf",
      "755 /etc/NetworkManager/dispatcher.d/50-mbctl-srvgrp0",
      "600 /etc/NetworkManager/system-connections/mbctl-srvgrp0.nmconnection",
    ]);
    // `make check` reads the script as all shell files.
    const goldens = ["dnsmasq.conf", "dispatcher.sh", "bridge.nmconnection"];
    for (const [index, { text }] of files.entries()) expectGolden(`setup/${goldens[index]}`, text);
  });

  test("have the networks of the host", () => {
    const text = connectionOf(other);
    expect(values(text, "address")).toEqual(["172.16.16.1/20", "300:0:0:1::1/128", "fd00:1::1/64"]);
    expect(values(text, "route")).toEqual(["300:0:0:1::/64"]);
    expect(values(text, "interface-name")).toEqual(["br.1"]);
    const [dnsmasq, script] = networkManagerFiles(other);
    expect(dnsmasq?.text).toMatch(/^dhcp-range=tag:br\.1,172\.16\.24\.0,172\.16\.31\.253,1h$/m);
    expect(script?.text).toContain("ip6 saddr fd00:1::/64 ip6 daddr != fd00:1::/64 masquerade");
    expect(script?.text).not.toContain("srvgrp0");
  });

  test("give each bridge an identity of its own, the same at every run", () => {
    const identity = (host: HostNetwork) => [
      ...values(connectionOf(host), "uuid"),
      ...values(connectionOf(host), "mac-address"),
    ];
    expect(identity({ ...other, bridge: network.bridge })).toEqual(identity(network));
    const [uuid, mac] = identity(other);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    // Locally administered, and of one station.
    expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
    expect(identity(network)).not.toContain(uuid);
    expect(identity(network)).not.toContain(mac);
  });
});
