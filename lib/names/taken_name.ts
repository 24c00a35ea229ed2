/**
 * Names that would lead to somebody else.
 *
 * @module
 */

import type { MachineName } from "../spec/machine_name.ts";
import type { TrustedHost } from "../address/trusted_host.ts";

/** Whose names a new machine's must not be, upper and lower case being the same to resolvers. */
export interface NamesInUse {
  /** This host's own. */
  readonly hostName: string;
  readonly domain: string;
  readonly hosts: readonly TrustedHost[];
  readonly machines: readonly MachineName[];
}

/**
 * Says why a machine cannot have a name: `that is the name of this host`.
 *
 * @returns undefined when it can.
 */
export function whyTaken(
  name: string,
  { hostName, domain, hosts, machines }: NamesInUse,
): string | undefined {
  const lower = name.toLowerCase();
  const isOf = (owner: string) => lower === owner.toLowerCase();
  const isBelow = (owner: string) => lower.endsWith(`.${owner.toLowerCase()}`);
  if (isOf("localhost") || isBelow("localhost"))
    return "localhost is every machine's own (RFC 6761)";
  if (isOf(hostName)) return "that is the name of this host";
  const host = hosts.find((known) => isOf(known.name));
  if (host !== undefined) return `that is the name of a host in config.toml`;
  const suffix = [domain, hostName, ...hosts.map((known) => known.name)].find(isBelow);
  if (suffix !== undefined) return `names that end with ".${suffix}" are given by mbctl`;
  const twin = machines.find((machine) => isOf(machine) && machine !== name);
  return twin === undefined ? undefined : `resolvers cannot tell it from "${twin}"`;
}
