import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { forwardingFile, networkdFiles, resolverFile } from "../../lib/network/host_bridge.ts";
import { defaultHostNetworks, type HostNetwork } from "../../lib/network/host_network.ts";
import { parseIpv4Network } from "../../lib/network/ipv4.ts";
import { parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";
import { expectGolden } from "../golden/golden.ts";
import { textOf } from "../structure/_sources.ts";

const configs = `${import.meta.dir}/../../systemd-configs`;
const names = readdirSync(configs).filter((name) => /^80-/.test(name));
const usual: HostNetwork = {
  ...defaultHostNetworks,
  prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
};
const other: HostNetwork = {
  bridge: "br-m",
  prefix: parsePrefix("300:0:0:1::/64"),
  ula: parsePrefix("fd00:1::/64"),
  ipv4: parseIpv4Network("172.16.16.0/20"),
};

/** The values of a key, in order. */
function values(text: string, key: string): string[] {
  return unitEntries(parseUnitFile(text))
    .filter((entry) => entry.key === key)
    .map((entry) => entry.value);
}

describe.each([
  ["usual", usual, []],
  ["other", other, ["eth0", "eth1.5"]],
] as const)("the files of a host of %s networks", (name, network, uplinks) => {
  const files = [
    ...networkdFiles(network),
    resolverFile(network),
    forwardingFile(network, uplinks),
  ];

  test("are these", () => {
    const text = files.map((file) => `### ${file.path}\n${file.text}`).join("\n");
    expectGolden(`network/bridge_${name}.txt`, text);
  });

  test("have no placeholder left, and are all that systemd-configs/ has", () => {
    expect(files.map(({ text }) => /@[A-Z0-9_]+@/.exec(text)?.[0])).toEqual(
      files.map(() => undefined),
    );
    expect(files.map(({ path }) => path.replace(/^.*\/80-(br-m|srvgrp0)?/, "")).sort()).toEqual(
      names.map((file) => file.replace(/^80-(bridge)?/, "")).sort(),
    );
  });

  test("give the bridge the addresses that DHCP, the advertisements and the resolver name", () => {
    const [, bridge = ""] = networkdFiles(network).map(({ text }) => text);
    const addresses = values(bridge, "Address").map((address) => address.replace(/\/.*/, ""));
    const dns = values(resolverFile(network).text, "DNSStubListenerExtra");
    expect(dns.every((address) => addresses.includes(address))).toBe(true);
    expect(values(bridge, "DNS")).toEqual(["_server_address", dns[1] ?? ""]);
  });
});

describe("systemd-configs/", () => {
  test("explains every setting: each stands below a comment, or below a setting that does", () => {
    expect(names.length).toBe(4);
    for (const name of names) {
      let isExplained = false;
      for (const line of textOf(`systemd-configs/${name}`).split("\n")) {
        if (line.startsWith("#")) isExplained = true;
        else if (line === "" || line.startsWith("[")) isExplained = isExplained && line !== "";
        else if (!isExplained && !/^(Name|Kind|DuplicateAddressDetection)=/.test(line))
          throw new Error(`${name}: ${line}`);
      }
    }
  });
});
