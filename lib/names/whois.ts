/**
 * From an address back to a name.
 *
 * @module
 */

import { type Ipv6, type Ipv6Prefix, prefixOf } from "../address/ipv6.ts";
import { gatewayIpv6, machineUla } from "../network/host_network.ts";
import type { HostState } from "../network/host_state.ts";
import { bridgeMachines, knownNames } from "./known_names.ts";

/** Whose an address is. */
export interface AddressOwner {
  /** "stranger": in the network of a host that is known, or of none, but nothing known has it. */
  readonly kind: "host" | "machine" | "bridge" | "stranger";
  /** `hostb`, `web@hostb`; for a bridge its host. Undefined for a stranger. */
  readonly name?: string | undefined;
  /** The host in whose network it lies; undefined for one that is not known. */
  readonly host?: string | undefined;
}

/** Finds whose an address is: mesh addresses of all that is known, ULAs of this host's own machines. */
export function whois(address: Ipv6, state: HostState): AddressOwner {
  const { hostName, network, trusted } = state;
  const hosts: readonly { name: string; prefix: Ipv6Prefix }[] = [
    { name: hostName, prefix: network.prefix },
    { name: hostName, prefix: network.ula },
    ...trusted,
  ];
  const host = hosts.find(({ prefix }) => prefix === prefixOf(address))?.name;
  const known = knownNames(state).find((candidate) => candidate.address === address);
  if (known !== undefined) {
    return {
      kind: known.kind,
      name: known.label,
      host: known.kind === "host" ? known.label : host,
    };
  }
  if (hosts.some(({ prefix }) => gatewayIpv6(prefix) === address)) {
    return { kind: "bridge", name: host, host };
  }
  const own = bridgeMachines(state).find((name) => machineUla(name, network.ula) === address);
  if (own !== undefined) return { kind: "machine", name: `${own}@${hostName}`, host };
  return { kind: "stranger", host };
}

/** An owner in words: `web@hostb`, `the bridge of hostb`, `unknown, in the network of hostb`. */
export function describeOwner({ kind, name, host }: AddressOwner): string {
  if (kind === "bridge") return `the bridge of ${name}`;
  if (name !== undefined) return name;
  return host === undefined ? "unknown" : `unknown, in the network of ${host}`;
}
