/**
 * A machine's end of the cable: its addresses, and its way into the mesh.
 *
 * @module
 */

import { formatIpv6, formatPrefix, type Ipv6, prefixOf } from "../address/ipv6.ts";
import { gatewayIpv6 } from "../network/host_network.ts";
import type { IpAddress } from "./ip_json.ts";
import type { LiveFacts } from "./machine_facts.ts";

/** The addresses of the machine's end of the cable. */
export function ownAddresses({ interfaces }: LiveFacts): readonly IpAddress[] {
  return interfaces.find(({ name }) => name === "host0")?.addresses ?? [];
}

/** Those that are no link-local ones, as text. */
export function globalAddresses(addresses: readonly IpAddress[]): string[] {
  return addresses.filter(({ scope }) => scope === "global").map(({ address }) => address);
}

/** What is missing of the way into the mesh, in the words of ip(8). */
export function lackingMeshRoutes(address: Ipv6 | undefined, live: LiveFacts): string[] {
  if (address === undefined) return [];
  const prefix = prefixOf(address);
  const source = formatIpv6(address);
  const hasRule = live.rules.some(({ to, table }) => to === "200::/7" && table === "199");
  const wanted = [
    { to: formatPrefix(prefix), gateway: undefined },
    { to: "200::/7", gateway: formatIpv6(gatewayIpv6(prefix)) },
  ];
  return [
    ...(hasRule ? [] : ["rule to 200::/7 lookup 199"]),
    ...wanted.flatMap(({ to, gateway }) =>
      live.meshRoutes.some(
        (route) => route.to === to && route.gateway === gateway && route.source === source,
      )
        ? []
        : [`route ${to}${gateway === undefined ? "" : ` via ${gateway}`} in table 199`],
    ),
  ];
}
