/**
 * What systemd-networkd, systemd-resolved and the kernel are told of the machines' bridge: the files of
 * systemd-configs/, filled in.
 *
 * @module
 */

import { formatIpv6, formatPrefix } from "../address/ipv6.ts";
import netdev from "../../systemd-configs/80-bridge.netdev" with { type: "text" };
import network from "../../systemd-configs/80-bridge.network" with { type: "text" };
import dns from "../../systemd-configs/80-man8s-dns.conf" with { type: "text" };
import forwarding from "../../systemd-configs/80-man8s-forwarding.conf" with { type: "text" };
import { dhcpPool, gatewayIpv4, gatewayIpv6, type HostNetwork } from "./host_network.ts";
import type { DerivedFile } from "./host_state.ts";
import { formatIpv4 } from "./ipv4.ts";

/** The resolver of the host also answers its machines. */
export const dnsFile = "/etc/systemd/resolved.conf.d/80-man8s-dns.conf";
/** The kernel's settings, for the next boot. */
const sysctlFile = "/etc/sysctl.d/80-man8s-forwarding.conf";

/** The bridge itself and its networks, for systemd-networkd. */
export function networkdFiles(host: HostNetwork): DerivedFile[] {
  const folder = "/etc/systemd/network";
  return [
    file(`${folder}/80-${host.bridge}.netdev`, netdev, host),
    file(`${folder}/80-${host.bridge}.network`, network, host),
  ];
}

/** What the host's resolver has to be told, whoever manages the bridge. */
export function resolverFile(host: HostNetwork): DerivedFile {
  return file(dnsFile, dns, host);
}

/**
 * Forwarding, for systemd-sysctl(8).
 *
 * @param uplinks interfaces on which the kernel itself shall go on to listen to router advertisements.
 */
export function forwardingFile(host: HostNetwork, uplinks: readonly string[]): DerivedFile {
  const text = forwarding
    .split("\n")
    .flatMap((line) =>
      line.includes("@UPLINK@")
        ? uplinks.map((uplink) => line.replaceAll("@UPLINK@", uplink))
        : [line],
    )
    .join("\n");
  return file(sysctlFile, text, host);
}

function file(path: string, template: string, host: HostNetwork): DerivedFile {
  return { path, text: fillIn(template, host), mode: 0o644 };
}

function fillIn(template: string, host: HostNetwork): string {
  const pool = dhcpPool(host.ipv4);
  const values: Readonly<Record<string, string>> = {
    BRIDGE: host.bridge,
    MESH_ADDRESS: formatIpv6(gatewayIpv6(host.prefix)),
    MESH_NETWORK: formatPrefix(host.prefix),
    ULA_ADDRESS: formatIpv6(gatewayIpv6(host.ula)),
    ULA_NETWORK: formatPrefix(host.ula),
    IPV4_ADDRESS: formatIpv4(gatewayIpv4(host.ipv4)),
    IPV4_LENGTH: String(host.ipv4.length),
    POOL_OFFSET: String(pool.offset),
    POOL_SIZE: String(pool.size),
  };
  return template.replace(/@([A-Z][A-Z0-9_]*)@/g, (whole, name: string) => values[name] ?? whole);
}
