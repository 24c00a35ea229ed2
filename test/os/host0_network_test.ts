import { describe, expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { renderHost0Network } from "../../lib/os/host0_network.ts";
import { bridgeAddresses } from "../../lib/os/host0_network.ts";
import { networkFileFor } from "../../lib/os/older_network.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import { parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { expectGolden } from "../golden/golden.ts";

const name = parseMachineName("TestBWContainer3");
const networks = { ...defaultHostNetworks, prefix: parsePrefix("300:2e98:a4b0:1789::/64") };
const ipv4 = parseIpv4("10.199.0.17");
const bridge = { ...networks, connection: { kind: "bridge" } } as const;

describe("renderHost0Network()", () => {
  test("on the bridge is the golden file", () => {
    expectGolden("os/host0.network", renderHost0Network(name, bridge) ?? "");
    expectGolden("os/host0-fixed.network", renderHost0Network(name, bridge, ipv4) ?? "");
  });

  test("on a network of others asks who is there", () => {
    const macvlan = {
      ...networks,
      connection: { kind: "macvlan", parent: "eth0", vlan: 7 },
    } as const;
    expectGolden("os/macvlan.network", renderHost0Network(name, macvlan) ?? "");
  });

  test.each(["host", "private"] as const)("is nothing for the template %s", (kind) => {
    expect(renderHost0Network(name, { ...networks, connection: { kind } })).toBeUndefined();
  });

  test("holds the address of the golden vector, deprecated and at once", () => {
    const entries = unitEntries(parseUnitFile(renderHost0Network(name, bridge) ?? ""));
    const at = entries.findIndex(
      ({ value }) => value === "300:2e98:a4b0:1789:1d44:bc13:a177:c4d/64",
    );
    expect(entries.slice(at, at + 3).map(({ key, value }) => `${key}=${value}`)).toEqual([
      "Address=300:2e98:a4b0:1789:1d44:bc13:a177:c4d/64",
      "PreferredLifetime=0",
      "DuplicateAddressDetection=none",
    ]);
  });
});

describe("networkFileFor()", () => {
  test.each(["ifupdown", "NetworkManager"] as const)(
    "of %s with a fixed address is the golden file",
    (manager) => {
      const file = networkFileFor(manager, bridgeAddresses(name, networks, ipv4));
      expectGolden(`os/${manager}-fixed.txt`, file?.text ?? "");
    },
  );

  test("is nothing where networkd is told by a bind, or nobody would read it", () => {
    const addresses = bridgeAddresses(name, networks);
    expect(networkFileFor("networkd", addresses)).toBeUndefined();
    expect(networkFileFor("none", addresses)).toBeUndefined();
  });
});
