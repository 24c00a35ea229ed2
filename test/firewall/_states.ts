/** States of a host, for tests of what follows from them. */

import { parsePrefix } from "../../lib/address/ipv6.ts";
import { parseTrustedHost } from "../../lib/address/trusted_host.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { parseAccessRule } from "../../lib/network/access_rule.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import type { HostMachine, HostState } from "../../lib/network/host_state.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import { parsePortRange } from "../../lib/network/port.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import type { NetworkKind } from "../../lib/network/template.ts";

/** What a machine of a test is, as a user would write it. */
export interface MachineWords {
  readonly allow?: readonly string[];
  readonly expose?: readonly string[];
  readonly publish?: readonly string[];
  readonly ipv4?: string;
  readonly network?: NetworkKind;
}

/** A machine of a test. */
export function machineOf(name: string, words: MachineWords = {}): HostMachine {
  const { allow, expose = [], publish = [], ipv4, network = { kind: "bridge" } } = words;
  const spec: MachineSpec = {
    name: parseMachineName(name),
    ...defaultChoices,
    ...(allow === undefined ? {} : { allow: allow.map(parseAccessRule) }),
    expose: expose.map((text) => parsePortRange(text)),
    publish: publish.map(parsePublishedPort),
    ...(ipv4 === undefined ? {} : { ipv4: parseIpv4(ipv4) }),
    image: { reference: "docker.io/library/x:latest", digest: "", manifestDigest: "" },
    environment: [],
    volumes: [],
  };
  return { spec, template: { name: network.kind, summary: "", network } };
}

/** A host called hosta. */
export function stateOf(
  hosts: Readonly<Record<string, string>>,
  machines: readonly HostMachine[],
): HostState {
  return {
    hostName: "hosta",
    network: { ...defaultHostNetworks, prefix: parsePrefix("300:2e98:a4b0:1789::/64") },
    machineId: "28971181eb3a04abf676311c10cb81af",
    domain: "mesh.internal",
    trusted: Object.entries(hosts).map(([name, value]) => parseTrustedHost(name, value)),
    imported: new Map(),
    machines,
  };
}

/** hostb by its address, hostc by its prefix alone. */
export const twoHosts = {
  hostb: "200:1111:2222:3333:4444:5555:6666:7777",
  hostc: "300:aaaa:bbbb:cccc::/64",
};
