/** A host's state for tests of names. */

import { parsePrefix } from "../../lib/address/ipv6.ts";
import { parseTrustedHost } from "../../lib/address/trusted_host.ts";
import { type MachineName, parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { parseAccessRule } from "../../lib/network/access_rule.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import type { HostMachine, HostState } from "../../lib/network/host_state.ts";
import type { NetworkKind } from "../../lib/network/template.ts";

/** A machine of the host. */
export function machine(
  name: string,
  allow: readonly string[] = ["trusted"],
  network: NetworkKind = { kind: "bridge" },
): HostMachine {
  return {
    spec: {
      ...defaultChoices,
      name: parseMachineName(name),
      allow: allow.map(parseAccessRule),
      image: { reference: "example.org/app:1", digest: "", manifestDigest: "" },
      environment: [],
      volumes: [],
    },
    template: { name: network.kind, summary: "", network },
  };
}

export const prefix = parsePrefix("300:2e98:a4b0:1789::/64");

/** The state of `hosta`; nothing is in it but what is given. */
export function hostState(parts: {
  readonly machines?: readonly HostMachine[];
  readonly trusted?: Readonly<Record<string, string>>;
  readonly imported?: Readonly<Record<string, readonly string[]>>;
}): HostState {
  return {
    hostName: "hosta",
    network: { ...defaultHostNetworks, prefix },
    domain: "mesh.internal",
    trusted: Object.entries(parts.trusted ?? {}).map(([name, value]) =>
      parseTrustedHost(name, value),
    ),
    imported: new Map(
      Object.entries(parts.imported ?? {}).map(([host, names]) => [host, names as MachineName[]]),
    ),
    machines: parts.machines ?? [],
  };
}
