/**
 * The networks that a host has for its machines.
 *
 * @module
 */

import {
  type Ipv6,
  type Ipv6Prefix,
  joinAddress,
  parsePrefix,
  type Suffix,
} from "../address/ipv6.ts";
import { machineSuffix } from "../address/machine_address.ts";
import { type Ipv4, type Ipv4Network, ipv4At, parseIpv4Network } from "./ipv4.ts";

export interface HostNetwork {
  /** The bridge that machines are plugged into. */
  readonly bridge: string;
  /** The host's yggdrasil /64. */
  readonly prefix: Ipv6Prefix;
  /** The unique local /64 (RFC 4193) of the bridge: masqueraded, so it never leaves the host. */
  readonly ula: Ipv6Prefix;
  /** The IPv4 network of the bridge: masqueraded as well. */
  readonly ipv4: Ipv4Network;
}

/** What holds unless config.toml says otherwise; the mesh prefix is each host's own. */
export const defaultHostNetworks: Omit<HostNetwork, "prefix"> = {
  bridge: "srvgrp0",
  ula: parsePrefix("fdfc:16ed:7601::/64"),
  ipv4: parseIpv4Network("10.199.0.0/24"),
};

/** The bridge's own suffix in the mesh and in the ULA network. */
const gatewaySuffix = 1n as Suffix;

/** The bridge's address in one of its IPv6 networks. */
export function gatewayIpv6(prefix: Ipv6Prefix): Ipv6 {
  return joinAddress(prefix, gatewaySuffix);
}

/** The bridge's IPv4 address: the first of its network. */
export function gatewayIpv4(network: Ipv4Network): Ipv4 {
  return ipv4At(network, 1);
}

/** The ULA of the machine `name`: the same suffix as in the mesh, so that nobody waits for an advertisement. */
export function machineUla(name: string, ula: Ipv6Prefix): Ipv6 {
  return joinAddress(ula, machineSuffix(name));
}

/** Shortest and longest IPv4 network of a bridge: it is split between DHCP and addresses given by hand. */
export const ipv4Lengths = { min: 16, max: 28 };

/** The addresses that the DHCP server hands out, as distances from the network's first: the upper half. */
export function dhcpPool({ length }: Ipv4Network): {
  readonly offset: number;
  readonly size: number;
} {
  const half = 2 ** (31 - length);
  // The last address is the broadcast address; the one before it is left to whoever needs one.
  return { offset: half, size: half - 2 };
}

/** The addresses that are given by hand, likewise: the lower half, without the gateway. Both ends count. */
export function staticAddresses({ length }: Ipv4Network): {
  readonly first: number;
  readonly last: number;
} {
  return { first: 2, last: 2 ** (31 - length) - 1 };
}
