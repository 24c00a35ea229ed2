import { expect, test } from "bun:test";
import { formatIpv6, parseIpv6, parsePrefix } from "../../lib/address/ipv6.ts";
import { machineAddress } from "../../lib/address/machine_address.ts";
import { describeOwner, whois } from "../../lib/names/whois.ts";
import { machineUla } from "../../lib/network/host_network.ts";
import { hostState, machine, prefix } from "./_state.ts";

const hostb = parsePrefix("301:67dc:7188:57b1::/64");
const state = hostState({
  machines: [machine("Web", ["api@hostb"]), machine("alone", [], { kind: "private" })],
  trusted: { hostb: "201:67dc:7188:57b1:c9de::7" },
  imported: { hostb: ["db"] },
});
const { ula } = state.network;

const rows: readonly (readonly [address: string, owner: string, host: string | undefined])[] = [
  [formatIpv6(machineAddress("Web", prefix)), "Web@hosta", "hosta"],
  [formatIpv6(machineUla("Web", ula)), "Web@hosta", "hosta"],
  [formatIpv6(machineAddress("db", hostb)), "db@hostb", "hostb"],
  [formatIpv6(machineAddress("api", hostb)), "api@hostb", "hostb"],
  ["201:67dc:7188:57b1:c9de::7", "hostb", "hostb"],
  ["300:2e98:a4b0:1789::1", "the bridge of hosta", "hosta"],
  ["fdfc:16ed:7601::1", "the bridge of hosta", "hosta"],
  ["301:67dc:7188:57b1::1", "the bridge of hostb", "hostb"],
  // The address of another machine's name; one without a network; the same suffix elsewhere.
  [formatIpv6(machineAddress("web", prefix)), "unknown, in the network of hosta", "hosta"],
  [formatIpv6(machineAddress("alone", prefix)), "unknown, in the network of hosta", "hosta"],
  [formatIpv6(machineAddress("Web", hostb)), "unknown, in the network of hostb", "hostb"],
  ["301:67dc:7188:57b2::1", "unknown", undefined],
  ["201:67dc:7188:57b1:c9de::8", "unknown", undefined],
  ["::1", "unknown", undefined],
];
test.each(rows)("whois(%s) is %s", (address, owner, host) => {
  const found = whois(parseIpv6(address), state);
  expect([describeOwner(found), found.host]).toEqual([owner, host]);
  expect(found.kind === "stranger").toBe(owner.startsWith("unknown"));
});
