/**
 * Every name that a host can compute an address for: its own machines, trusted hosts, and machines of
 * these that were imported or stand in an allow rule. Nobody is asked, so a name resolves while its host is down.
 *
 * @module
 */

import type { Ipv6 } from "../address/ipv6.ts";
import { machineAddress } from "../address/machine_address.ts";
import type { TrustedHost } from "../address/trusted_host.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { HostState } from "../network/host_state.ts";

export interface KnownName {
  readonly kind: "host" | "machine";
  /** As a user writes it: `hostb`, `web@hostb`. */
  readonly label: string;
  readonly address: Ipv6;
  /** What resolves to it: lower case, the longest first. */
  readonly names: readonly string[];
}

/** The names of hosts, then of own machines, then of others' machines. A name that two of them want is the first one's. */
export function knownNames(state: HostState): KnownName[] {
  const { hostName, domain, trusted } = state;
  const given = new Set<string>(["localhost", hostName.toLowerCase()]);
  /** Each name once: with two addresses, it would lead now to the one, now to the other. */
  const give = (names: readonly string[]): string[] =>
    names
      .map((name) => name.toLowerCase())
      .filter((name) => isResolvable(name) && !given.has(name) && given.add(name));
  const machine = (name: MachineName, host: string, address: Ipv6, alone: readonly string[]) => ({
    kind: "machine" as const,
    label: `${name}@${host}`,
    address,
    names: give([`${name}.${host}.${domain}`, `${name}.${host}`, ...alone]),
  });
  return [
    ...trusted.flatMap(({ name, address }) =>
      address === undefined
        ? []
        : [
            {
              kind: "host" as const,
              label: name,
              address,
              names: give([`${name}.${domain}`, name]),
            },
          ],
    ),
    ...bridgeMachines(state).map((name) =>
      machine(name, hostName, machineAddress(name, state.network.prefix), [name]),
    ),
    ...trusted.flatMap((host) =>
      machinesOf(state, host).map((name) =>
        machine(name, host.name, machineAddress(name, host.prefix), []),
      ),
    ),
  ];
}

/** The host's own machines that have a mesh address. */
export function bridgeMachines(state: HostState): MachineName[] {
  return state.machines
    .filter(({ template }) => template.network.kind === "bridge")
    .map(({ spec }) => spec.name);
}

/** The machines of another host that are known by name: imported, or named by a rule. */
function machinesOf({ imported, machines }: HostState, host: TrustedHost): MachineName[] {
  const named = machines.flatMap(({ spec }) =>
    spec.allow.flatMap(({ from }) =>
      from.kind === "machine" && from.host === host.name ? [from.machine] : [],
    ),
  );
  return [...new Set([...(imported.get(host.name) ?? []), ...named])].sort();
}

/** What a resolver can ask for: parts of up to 63 characters, 253 in all (RFC 1035, 2.3.4). */
function isResolvable(name: string): boolean {
  return name.length <= 253 && name.split(".").every((label) => label.length <= 63);
}
