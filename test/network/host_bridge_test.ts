import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { BRIDGE_FILES, renderBridgeConfig } from "../../lib/network/host_bridge.ts";
import { parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";

const CONFIGS = `${import.meta.dir}/../../systemd-configs`;
const read = (name: string) => Bun.file(`${CONFIGS}/${name}`).text();

describe("renderBridgeConfig()", () => {
  test("fills the host prefix in", async () => {
    const text = renderBridgeConfig(await read("80-srvgrp0.network"), "300:2e98:A4B0:1789");
    const entries = unitEntries(parseUnitFile(text));
    const values = (key: string) =>
      entries.filter((entry) => entry.key === key).map((entry) => entry.value);
    expect(values("Address")).toEqual([
      "300:2e98:a4b0:1789::1/128",
      "fdfc:16ed:7601::1/64",
      "10.199.0.1/24",
    ]);
    expect(values("Destination")).toEqual(["300:2e98:a4b0:1789::/64"]);
    expect(values("Prefix")).toEqual(["fdfc:16ed:7601::/64"]);
  });

  test("leaves a file without the placeholder alone", async () => {
    const text = await read("80-srvgrp0.netdev");
    expect(renderBridgeConfig(text, "300:1:2:3")).toBe(text);
  });

  test.each([
    "",
    "300:2e98:a4b0:1789::",
    "300:2e98:a4b0:1789::/64",
    "300:2e98:a4b0",
    "300:2e98:a4b0:1789:1",
    "200:1:2:3",
    "30:1:2:3",
    "300:1:2:12345",
    "300:1:2:g",
    "300:1:2:3\n",
  ])("refuses %j", (prefix) => {
    expect(() => renderBridgeConfig("", prefix)).toThrow(
      `Cannot use ${JSON.stringify(prefix)} as the host prefix: not the first four groups of a yggdrasil /64`,
    );
  });
});

describe("systemd-configs/", () => {
  test("holds exactly the files that BRIDGE_FILES installs", () => {
    const files = readdirSync(CONFIGS).filter((name) => name !== "README.md");
    expect(files.sort()).toEqual(BRIDGE_FILES.map((file) => file.name).sort());
  });

  test("explains every setting: each stands right under a comment, or under a setting that does", async () => {
    for (const { name } of BRIDGE_FILES) {
      let isExplained = false;
      for (const line of (await read(name)).split("\n")) {
        if (line.startsWith("#")) isExplained = true;
        else if (line === "" || line.startsWith("[")) isExplained = isExplained && line !== "";
        else if (!isExplained && !/^(Name|Kind|DuplicateAddressDetection)=/.test(line))
          throw new Error(`${name}: ${line}`);
      }
    }
  });

  test("the resolver listens where DHCP and the advertisements say", async () => {
    const dns = unitEntries(parseUnitFile(await read("80-man8s-dns.conf"))).map(
      (entry) => entry.value,
    );
    const network = unitEntries(parseUnitFile(await read("80-srvgrp0.network")));
    const addresses = network
      .filter(({ key }) => key === "Address")
      .map(({ value }) => value.replace(/\/.*/, ""));
    expect(dns).toEqual(["10.199.0.1", "fdfc:16ed:7601::1"]);
    expect(dns.every((address) => addresses.includes(address))).toBe(true);
    expect(network.filter(({ key }) => key === "DNS").map(({ value }) => value)).toEqual([
      "_server_address",
      "fdfc:16ed:7601::1",
    ]);
  });
});
