/**
 * The table `bridge mbctl`: what a machine may send, looked at where it enters the bridge. A machine has
 * its addresses and no other's, and is neither router nor DHCP server. Connection tracking is not asked:
 * few kernels have it for bridges (nf_conntrack_bridge).
 *
 * @module
 */

import { formatIpv6, formatPrefix, type Ipv6 } from "../address/ipv6.ts";
import { machineAddress } from "../address/machine_address.ts";
import { gatewayIpv4, gatewayIpv6, machineUla } from "../network/host_network.ts";
import type { HostMachine, HostState } from "../network/host_state.ts";
import { formatIpv4, formatIpv4Network } from "../network/ipv4.ts";
import {
  addressHex,
  type AddressSet,
  anonymousSet,
  type Chain,
  jumpTable,
  prefixHex,
  quoteInterface,
  renderTable,
} from "./nft_text.ts";
import { machineMac } from "./machine_mac.ts";
import { portName } from "./port_name.ts";

/** The target of a neighbour message (RFC 4861, 4.3 and 4.4); nft 1.0.6 has no word for it. */
const target = "@th,64,128";

/** MAC addresses of one machine at a time: it may have a bridge of its own inside. */
const macLimit = 32;

/**
 * Neighbour messages in pieces, which nobody may send (RFC 6980): the target may lie in the second piece. The kernel wants to
 * take none either, but does where connection tracking has put it together before. And pieces that begin with another extension
 * header, behind which the message would not be seen (RFC 7112).
 */
const fragments = [
  "exthdr frag exists icmpv6 type 133-137 counter drop",
  "frag nexthdr { 0, 43, 44, 60 } counter drop",
];

/** Renders the table. */
export function renderBridgeTable(state: HostState, machines: readonly HostMachine[]): string {
  const { network } = state;
  const ownedIpv6 = [
    gatewayIpv6(network.prefix),
    gatewayIpv6(network.ula),
    ...machines.flatMap((machine) => addressesOf(state, machine)),
  ];
  const ownedIpv4 = [
    gatewayIpv4(network.ipv4),
    ...machines.flatMap(({ spec }) => spec.ipv4 ?? []),
  ].map(formatIpv4);
  const ports = machines.map(({ spec: { name } }) => ({
    key: quoteInterface(portName(name)),
    chain: fromChain(name),
  }));
  const ofOthers = anonymousSet(ownedIpv6.map(addressHex));
  return renderTable(
    "bridge",
    "mbctl",
    [
      {
        name: "owned6",
        about: "Addresses that belong to the host's end of the bridge, or to one machine.",
        type: "ipv6_addr",
        hasNetworks: false,
        elements: ownedIpv6.map(formatIpv6),
      },
      {
        name: "owned4",
        about: "The same of IPv4; other machines have leases.",
        type: "ipv4_addr",
        hasNetworks: false,
        elements: ownedIpv4,
      },
      {
        name: "owned-mac",
        about: "The MAC addresses that systemd-nspawn gives machines.",
        type: "ether_addr",
        hasNetworks: false,
        elements: machines.flatMap((machine) => macOf(state, machine) ?? []),
      },
      ...machines.map(({ spec: { name } }): AddressSet => ({
        name: macsSet(name),
        about: `The MAC addresses that ${name} sends from.`,
        type: "ether_addr",
        hasNetworks: false,
        learns: macLimit,
        elements: [],
      })),
    ],
    [
      {
        name: "prerouting",
        about: "Every frame that enters a bridge of the host.",
        hook: "type filter hook prerouting priority filter",
        rules: [
          ...jumpTable("iifname", ports),
          "# Machines that mbctl did not make, or cannot read.",
          'iifname "vb-*" jump from-others',
        ],
      },
      ...machines.map((machine) => fromMachine(state, machine)),
      {
        name: "other-source",
        about:
          "A source that is not the sender's own: what everybody may use, and addresses that nobody owns.",
        rules: [
          "ip6 saddr { ::, fe80::/10 } return",
          `ip6 saddr != ${formatPrefix(network.ula)} counter drop`,
          "ip6 saddr @owned6 counter drop",
        ],
      },
      {
        name: "other-target",
        about: "The same of an address that the sender says is his.",
        rules: [
          "# fe80::/10",
          "@th,64,10 0x3fa return",
          `@th,64,64 != ${prefixHex(network.ula)} counter drop`,
          `${target} ${ofOthers} counter drop`,
        ],
      },
      {
        name: "other-ipv4",
        about:
          "A source of IPv4 that is not the sender's own: while he asks for a lease, and then his lease.",
        rules: [
          "ip saddr 0.0.0.0 udp dport 67 return",
          "arp saddr ip 0.0.0.0 return",
          ...["ip saddr", "arp saddr ip"].flatMap((source) => [
            `${source} != ${formatIpv4Network(network.ipv4)} counter drop`,
            `${source} @owned4 counter drop`,
          ]),
        ],
      },
      {
        name: "from-machine",
        about: "What no machine may send, whatever its address.",
        rules: [
          "# Anything but IP and ARP: tagged frames and the like would pass by all that is looked at here.",
          "ether type != { ip, ip6, arp } counter drop",
          "# Router advertisements and redirects.",
          "icmpv6 type { nd-router-advert, nd-redirect } counter drop",
          "# Answers to DHCP clients, which do not look at the port that they come from.",
          "udp dport { 68, 546 } counter drop",
          "# yggdrasil's search for neighbours: a node in a machine is no neighbour of the host's.",
          "ip6 daddr ff02::114 udp dport 9001 counter drop",
        ],
      },
      {
        name: "from-others",
        about: "Machines of other makers may have the addresses that they like, but those of ours.",
        rules: [
          "ether saddr @owned-mac counter drop",
          ...fragments,
          "ip6 saddr @owned6 counter drop",
          "# Nor those of other hosts and their machines.",
          `ip6 saddr 200::/7 ip6 saddr != ${formatPrefix(network.prefix)} counter drop`,
          `icmpv6 type nd-neighbor-advert ${target} ${ofOthers} counter drop`,
          "ip saddr @owned4 counter drop",
          "arp saddr ip @owned4 counter drop",
        ],
      },
    ],
  );
}

function fromMachine(state: HostState, machine: HostMachine): Chain {
  const { name, ipv4 } = machine.spec;
  const own = addressesOf(state, machine);
  const notOwn = `!= ${anonymousSet(own.map(formatIpv6))}`;
  const notOwnTarget = `${target} != ${anonymousSet(own.map(addressHex))}`;
  const mac = macOf(state, machine);
  const notOwnIpv4 = ipv4 === undefined ? undefined : `!= ${formatIpv4(ipv4)}`;
  return {
    name: fromChain(name),
    about: `What ${name} sends: from its addresses on the mesh and in the ULA network.`,
    rules: [
      ...(mac === undefined ? [] : [`ether saddr != ${mac} ether saddr @owned-mac counter drop`]),
      ...fragments,
      `ip6 saddr ${notOwn} jump other-source`,
      "# Who says that an address is his, or asks whether it is free.",
      `icmpv6 type nd-neighbor-advert ${notOwnTarget} jump other-target`,
      `ip6 saddr :: icmpv6 type nd-neighbor-solicit ${notOwnTarget} jump other-target`,
      ...(notOwnIpv4 === undefined
        ? ["ether type { ip, arp } jump other-ipv4"]
        : [`ip saddr ${notOwnIpv4} jump other-ipv4`, `arp saddr ip ${notOwnIpv4} jump other-ipv4`]),
      "jump from-machine",
      "# The kernel remembers every MAC address that a bridge sees, however many a machine makes up.",
      `update @${macsSet(name)} { ether saddr } accept`,
      "counter drop",
    ],
  };
}

/** What a machine has of IPv6 beside link-local and advertised addresses. */
function addressesOf({ network }: HostState, { spec: { name } }: HostMachine): Ipv6[] {
  return [machineAddress(name, network.prefix), machineUla(name, network.ula)];
}

function macOf({ machineId }: HostState, { spec }: HostMachine): string | undefined {
  return machineId === undefined ? undefined : machineMac(machineId, spec.name);
}

function macsSet(name: string): string {
  return `macs_${name}`;
}

function fromChain(name: string): string {
  return `from_${name}`;
}
