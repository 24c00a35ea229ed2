/**
 * The network of a booted machine, as its own systemd-networkd reads it (systemd.network(5)): the same addresses, routes and
 * rule that man8s-init sets (init-templates/31-ipv6.sh, 32-ipv6-routes.sh). The file lies in the machine's configuration
 * folder and is bound into the machine, so that a renumbering never touches the root tree.
 *
 * @module
 */

import { formatIpv6, formatPrefix, type Ipv6, prefixOf } from "../address/ipv6.ts";
import { machineAddress } from "../address/machine_address.ts";
import { gatewayIpv4, gatewayIpv6, type HostNetwork, machineUla } from "../network/host_network.ts";
import { formatIpv4, type Ipv4 } from "../network/ipv4.ts";
import { machineInterface, type NetworkKind } from "../network/template.ts";
import {
  formatUnitFile,
  type UnitItem,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "../nspawn/unit_file.ts";
import type { MachineName } from "../spec/machine_name.ts";

/**
 * Where the file is bound: before 80-container-host0.network, which systemd brings. Not below /run: systemd-nspawn 252 makes
 * folders for binds there that belong to nobody in the machine, whose systemd cannot write to its own /run/systemd then.
 */
export const host0NetworkPath = "/etc/systemd/network/10-mbctl-host0.network";

/** What a booted machine's network has to know of the host. */
export type Host0Facts = HostNetwork & { readonly connection: NetworkKind };

/** The addresses of a machine on the bridge, and who leads out; all from its name. */
export interface BridgeAddresses {
  readonly mesh: Ipv6;
  readonly ula: Ipv6;
  readonly meshGateway: Ipv6;
  readonly ulaGateway: Ipv6;
  /** Where it is fixed: DHCP without. */
  readonly ipv4: { readonly address: Ipv4; readonly length: number } | undefined;
  /** The bridge in the IPv4 network: router and name server. */
  readonly ipv4Gateway: Ipv4;
}

/** The addresses of a machine on the host's bridge. */
export function bridgeAddresses(
  name: MachineName,
  facts: HostNetwork,
  ipv4?: Ipv4,
): BridgeAddresses {
  return {
    mesh: machineAddress(name, facts.prefix),
    ula: machineUla(name, facts.ula),
    meshGateway: gatewayIpv6(facts.prefix),
    ulaGateway: gatewayIpv6(facts.ula),
    ipv4: ipv4 === undefined ? undefined : { address: ipv4, length: facts.ipv4.length },
    ipv4Gateway: gatewayIpv4(facts.ipv4),
  };
}

/**
 * Renders the whole file.
 *
 * @param ipv4 the machine's fixed address; DHCP without.
 * @returns undefined where the machine has no interface of its own: the host's network, or none.
 */
export function renderHost0Network(
  name: MachineName,
  facts: Host0Facts,
  ipv4?: Ipv4,
): string | undefined {
  switch (facts.connection.kind) {
    case "bridge":
      return formatUnitFile([...header, ...bridgeItems(bridgeAddresses(name, facts, ipv4))]);
    case "macvlan":
      return formatUnitFile([...header, ...macvlanItems(machineInterface(facts.connection))]);
    case "host":
    case "private":
      return undefined;
  }
}

const header: readonly UnitItem[] = [
  unitComment(`The network of a booted machine; see systemd.network(5).
Rendered by mbctl, anew whenever it is rendered, and never merged: put what you want to change
into /etc/systemd/network/10-mbctl-host0.network.d/*.conf in the machine.`),
  unitBlank(),
];

function bridgeItems(addresses: BridgeAddresses): UnitItem[] {
  const { mesh, ula, meshGateway, ulaGateway, ipv4, ipv4Gateway } = addresses;
  const [meshText, ulaText] = [formatIpv6(mesh), formatIpv6(ula)];
  return [
    unitSection("Match"),
    unitComment("The machine's end of its cable to the host's bridge."),
    unitEntry("Name", "host0"),
    unitBlank(),
    unitSection("Network"),
    unitEntry("DHCP", ipv4 === undefined ? "ipv4" : "no"),
    unitEntry("LinkLocalAddressing", "ipv6"),
    unitComment("The host's bridge is the router: a way out, and the name server."),
    unitEntry("IPv6AcceptRA", "yes"),
    unitComment(
      "mbctl checks for a clash of names; detection would keep an address unusable for 1 to 2 s.",
    ),
    unitEntry("IPv6DuplicateAddressDetection", "0"),
    unitComment("No name discovery between machines."),
    unitEntry("LLMNR", "no"),
    unitEntry("MulticastDNS", "no"),
    unitEntry("LLDP", "no"),
    unitComment(
      "The host's resolver, which listens on the bridge: known before any lease or advertisement.",
    ),
    unitEntry("DNS", formatIpv6(ulaGateway)),
    ...(ipv4 === undefined
      ? []
      : [
          unitEntry("DNS", formatIpv4(ipv4Gateway)),
          unitEntry("Address", `${formatIpv4(ipv4.address)}/${ipv4.length}`),
          unitEntry("Gateway", formatIpv4(ipv4Gateway)),
        ]),
    unitBlank(),
    ...(ipv4 === undefined
      ? [
          unitSection("DHCPv4"),
          unitComment(
            "A clone has another MAC address, but may have the same machine-id for a while.",
          ),
          unitEntry("ClientIdentifier", "mac"),
          unitBlank(),
        ]
      : []),
    unitSection("IPv6AcceptRA"),
    unitComment("The unique local address stands below, whatever the advertisement says."),
    unitEntry("UseAutonomousPrefix", "no"),
    unitBlank(),
    unitSection("Address"),
    unitComment(
      `The mesh address, from the machine's name. Deprecated, so that every other destination is reached from
another address (RFC 6724, rule 3): the mesh address leads into the mesh alone.`,
    ),
    unitEntry("Address", `${meshText}/64`),
    unitEntry("PreferredLifetime", "0"),
    unitEntry("DuplicateAddressDetection", "none"),
    unitBlank(),
    unitSection("RoutingPolicyRule"),
    unitComment("The mesh has a table of its own."),
    unitEntry("To", "200::/7"),
    unitEntry("Table", "199"),
    unitEntry("Priority", "199"),
    unitBlank(),
    ...route([
      ["Destination", formatPrefix(prefixOf(mesh))],
      ["PreferredSource", meshText],
      ["Table", "199"],
    ]),
    ...route([
      ["Destination", "200::/7"],
      ["Gateway", formatIpv6(meshGateway)],
      ["PreferredSource", meshText],
      ["Table", "199"],
    ]),
    unitSection("Address"),
    unitComment("The unique local address, with the same suffix; the host masquerades it."),
    unitEntry("Address", `${ulaText}/64`),
    unitEntry("DuplicateAddressDetection", "none"),
    unitBlank(),
    ...route([
      ["Destination", formatPrefix(prefixOf(ula))],
      ["PreferredSource", ulaText],
      ["Metric", "128"],
    ]),
    ...route([
      ["Destination", "::/0"],
      ["Gateway", formatIpv6(ulaGateway)],
      ["PreferredSource", ulaText],
      ["Metric", "512"],
    ]),
  ].slice(0, -1);
}

function route(entries: readonly (readonly [key: string, value: string])[]): UnitItem[] {
  return [
    unitSection("Route"),
    ...entries.map(([key, value]) => unitEntry(key, value)),
    unitBlank(),
  ];
}

/** A network of others: its router says which addresses there are, and one that is taken is real there. */
function macvlanItems(device: string): UnitItem[] {
  return [
    unitSection("Match"),
    unitComment("systemd-nspawn shortens a long name by a hash of its own."),
    unitEntry("Name", `${device} mv-*`),
    unitBlank(),
    unitSection("Network"),
    unitEntry("DHCP", "ipv4"),
    unitEntry("IPv6AcceptRA", "yes"),
    unitBlank(),
    unitSection("DHCPv4"),
    unitEntry("ClientIdentifier", "mac"),
  ];
}
