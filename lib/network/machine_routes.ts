/**
 * What a machine has in its own network: addresses and routes as man8s-init sets them (31-ipv6.sh, 32-ipv6-routes.sh), and
 * the way from those of an earlier prefix to these. Pure: ip(8)'s answers come in, its words go out.
 *
 * @module
 */

import { formatIpv6, formatPrefix, type Ipv6, prefixOf, suffixOf } from "../address/ipv6.ts";
import { gatewayIpv6 } from "./host_network.ts";

/** The addresses that follow from a machine's name. */
export interface MachineAddresses {
  readonly mesh?: Ipv6 | undefined;
  readonly ula?: Ipv6 | undefined;
}

/** What a machine's network has, of IPv6. */
export interface PresentNetwork {
  readonly addresses: readonly Ipv6[];
  readonly routes: readonly PresentRoute[];
  /** Whether the rule of priority 199 is there. */
  readonly hasRule: boolean;
}

/** A route as `ip -6 -json route show table all` shows it; what is not of interest is left out. */
export interface PresentRoute {
  readonly dst: string;
  readonly gateway?: string | undefined;
  readonly prefsrc?: string | undefined;
  /** Undefined for the main one. */
  readonly table?: string | undefined;
  readonly metric?: number | undefined;
}

/** Arguments of ip(8), one command each. */
export type IpCommand = readonly string[];

/**
 * The commands that give a running machine its addresses. The new ones come first, the old ones go last, and nothing else
 * is touched; none where all is as it should be.
 *
 * @param device the machine's interface.
 */
export function readdress(
  present: PresentNetwork,
  wanted: MachineAddresses,
  device: string,
): IpCommand[] {
  const { mesh, ula } = wanted;
  return [
    ...(mesh === undefined ? [] : readdressMesh(present, mesh, device)),
    ...(ula === undefined ? [] : readdressUla(present, ula, device)),
  ];
}

function readdressMesh(present: PresentNetwork, mesh: Ipv6, device: string): IpCommand[] {
  const routes = [
    { dst: formatPrefix(prefixOf(mesh)), table: "199" },
    { dst: "200::/7", gateway: gatewayOf(mesh), table: "199" },
  ];
  return [
    // Deprecated, as man8s-init has it: never the source for another network.
    ...addition(present, mesh, device, ["valid_lft", "forever", "preferred_lft", "0"]),
    ...(present.hasRule ? [] : ["-6 rule add to 200::/7 lookup 199 pref 199".split(" ")]),
    ...replacements(present, routes, mesh, device),
    ...removals(present, (old) => old >> 120n === 3n && old !== mesh, { table: "199" }, device),
  ];
}

function readdressUla(present: PresentNetwork, ula: Ipv6, device: string): IpCommand[] {
  const routes = [
    { dst: formatPrefix(prefixOf(ula)), metric: 128 },
    { dst: "default", gateway: gatewayOf(ula), metric: 512 },
  ];
  // What the machine made itself of an advertised prefix has another suffix, and goes when the prefix does.
  const isOld = (old: Ipv6) =>
    old >> 121n === 0x7en && suffixOf(old) === suffixOf(ula) && old !== ula;
  return [
    ...addition(present, ula, device, []),
    ...replacements(present, routes, ula, device),
    ...removals(present, isOld, { metric: 128 }, device),
  ];
}

function gatewayOf(address: Ipv6): string {
  return formatIpv6(gatewayIpv6(prefixOf(address)));
}

function addition(
  present: PresentNetwork,
  address: Ipv6,
  device: string,
  flags: readonly string[],
): IpCommand[] {
  if (present.addresses.includes(address)) return [];
  // Without nodad it would be tentative for a moment, and the routes that name it as their source be refused.
  const words = ["-6", "addr", "add", `${formatIpv6(address)}/64`, "dev", device, "nodad"];
  return [[...words, ...flags]];
}

function replacements(
  present: PresentNetwork,
  routes: readonly PresentRoute[],
  source: Ipv6,
  device: string,
): IpCommand[] {
  const prefsrc = formatIpv6(source);
  return routes
    .filter((route) => !present.routes.some((other) => isSame({ ...route, prefsrc }, other)))
    .map(({ dst, gateway, table, metric }) => [
      ...["-6", "route", "replace", dst],
      ...(gateway === undefined ? [] : ["via", gateway]),
      ...["dev", device, "src", prefsrc],
      ...(table === undefined ? [] : ["table", table]),
      ...(metric === undefined ? [] : ["metric", String(metric)]),
    ]);
}

function isSame(wanted: PresentRoute, other: PresentRoute): boolean {
  return (["dst", "gateway", "prefsrc", "table", "metric"] as const).every(
    // In table 199 the kernel chooses a metric.
    (key) => other[key] === wanted[key] || (key === "metric" && wanted.metric === undefined),
  );
}

/** Routes before their addresses: a run that was killed between finds the address, and with it the route. */
function removals(
  present: PresentNetwork,
  isOld: (address: Ipv6) => boolean,
  where: { readonly table?: string; readonly metric?: number },
  device: string,
): IpCommand[] {
  const words = Object.entries(where).flatMap(([key, value]) => [key, String(value)]);
  return present.addresses.filter(isOld).flatMap((old) => {
    const dst = formatPrefix(prefixOf(old));
    const isThere = present.routes.some(
      (route) =>
        route.dst === dst &&
        route.table === where.table &&
        (where.metric === undefined || route.metric === where.metric),
    );
    return [
      ...(isThere ? [["-6", "route", "del", dst, "dev", device, ...words]] : []),
      ["-6", "addr", "del", `${formatIpv6(old)}/64`, "dev", device],
    ];
  });
}
