/**
 * Which networks a host is in already, by the words of ip(8).
 *
 * @module
 */

import { formatIpv6, type Ipv6, parseIpv6 } from "../address/ipv6.ts";
import { formatIpv4, type Ipv4, parseIpv4 } from "../network/ipv4.ts";

/** A network of either kind; bits behind its length may be set. */
export type IpNetwork =
  | { readonly family: 4; readonly address: Ipv4; readonly length: number }
  | { readonly family: 6; readonly address: Ipv6; readonly length: number };

/** A network that a host reaches, or has an address in. */
export interface UsedNetwork {
  readonly network: IpNetwork;
  /** Where it was seen: `the route 10.0.0.0/8 on wg0`. */
  readonly what: string;
}

/** An interface of a host. */
export interface NetworkInterface {
  readonly name: string;
  /** Its kind as ip(8) calls it: bridge, tun, veth, vlan…; undefined for a network card. */
  readonly kind?: string | undefined;
  readonly isEthernet: boolean;
  readonly addresses: readonly IpNetwork[];
}

/** A route of a host. */
export interface Route {
  /** undefined: the default route. */
  readonly network?: IpNetwork | undefined;
  readonly device: string;
  /** Whether a router advertisement brought it. */
  readonly isAdvertised: boolean;
}

interface IpLink {
  readonly ifname: string;
  readonly link_type?: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen: number }[];
}

interface IpRoute {
  readonly type?: string;
  readonly dst: string;
  readonly dev?: string;
  readonly protocol?: string;
}

/** Reads `ip -json -details address`. */
export function parseInterfaces(json: string): NetworkInterface[] {
  return (JSON.parse(json || "[]") as IpLink[]).map((link) => ({
    name: link.ifname,
    kind: link.linkinfo?.info_kind,
    isEthernet: link.link_type === "ether",
    addresses: (link.addr_info ?? []).flatMap(({ local, prefixlen }) =>
      local === undefined ? [] : [parseNetwork(`${local}/${prefixlen}`)],
    ),
  }));
}

/** Reads `ip -json -4 route show table all`, or -6: the routes by which packets go somewhere. */
export function parseRoutes(json: string): Route[] {
  return (JSON.parse(json || "[]") as IpRoute[])
    .filter(({ type = "unicast" }) => type === "unicast")
    .map(({ dst, dev = "", protocol }) => ({
      ...(dst === "default" ? {} : { network: parseNetwork(dst) }),
      device: dev,
      isAdvertised: protocol === "ra",
    }));
}

/** All that a new network must not overlap: what is on interfaces other than `except`. */
export function networksInUse(
  interfaces: readonly NetworkInterface[],
  routes: readonly Route[],
  except: string,
): UsedNetwork[] {
  return [
    ...interfaces
      .filter(({ name }) => name !== except && name !== "lo")
      .flatMap(({ name, addresses }) =>
        addresses.map((network) => ({
          network,
          what: `the address ${formatNetwork(network)} of ${name}`,
        })),
      ),
    ...routes
      .filter(({ device }) => device !== except && device !== "lo")
      .flatMap(({ network, device }) =>
        network === undefined || network.length === 0
          ? []
          : [{ network, what: `the route ${formatNetwork(network)} on ${device || "?"}` }],
      ),
  ];
}

/** Whether two networks have an address in common. */
export function overlaps(a: IpNetwork, b: IpNetwork): boolean {
  if (a.family !== b.family) return false;
  const bits = a.family === 4 ? 32 : 128;
  const shift = BigInt(bits - Math.min(a.length, b.length));
  return BigInt(a.address) >> shift === BigInt(b.address) >> shift;
}

function parseNetwork(text: string): IpNetwork {
  const [address = "", length] = text.split("/");
  return address.includes(":")
    ? { family: 6, address: parseIpv6(address), length: Number(length ?? 128) }
    : { family: 4, address: parseIpv4(address), length: Number(length ?? 32) };
}

function formatNetwork(network: IpNetwork): string {
  const address = network.family === 4 ? formatIpv4(network.address) : formatIpv6(network.address);
  return `${address}/${network.length}`;
}
