/**
 * The table `inet mbctl`: who may open connections to machines, and the ports of the host that lead to them.
 *
 * @module
 */

import { formatIpv6 } from "../address/ipv6.ts";
import { machineAddress } from "../address/machine_address.ts";
import { type AccessRule, formatAccessRule } from "../network/access_rule.ts";
import { gatewayIpv4, gatewayIpv6 } from "../network/host_network.ts";
import type { HostMachine, HostState } from "../network/host_state.ts";
import { formatIpv4, formatIpv4Network } from "../network/ipv4.ts";
import { formatPortRange, type PortRange } from "../network/port.ts";
import { formatPublishedPort, type PublishedPort } from "../network/published_port.ts";
import { coversPort, type Peer, peersOf, peersOfHost, unknownHosts } from "./access.ts";
import {
  anonymousSet,
  type Chain,
  formatNetwork,
  jumpTable,
  portMatch,
  quoteInterface,
  renderTable,
} from "./nft_text.ts";

/** All of yggdrasil: nodes in 200::/8, their machines in 300::/8. */
const mesh = "200::/7";
/** A packet whose answer would not leave where it came in. */
const isSpoofed = `ip6 saddr ${mesh} fib saddr . iif oif missing`;

/** Renders the table. */
export function renderInetTable(state: HostState, machines: readonly HostMachine[]): string {
  const { ipv4, ula } = state.network;
  const bridge = quoteInterface(state.network.bridge);
  const trusted = {
    name: "trusted",
    about: "The hosts of config.toml, and the networks of their machines.",
    type: "ipv6_addr",
    hasNetworks: true,
    elements: state.trusted.flatMap(peersOfHost).map(formatPeer),
  } as const;
  // Also of a machine that is not on the bridge: a relay of the host leads to it.
  const published = state.machines.flatMap((machine) =>
    machine.spec.publish.map((port, index) => ({ machine, port, index })),
  );
  const fromMesh = published.filter(({ port }) => isReachedByMesh(port));
  return renderTable(
    "inet",
    "mbctl",
    [trusted],
    [
      amongSiblings(state),
      {
        name: "forward",
        about:
          "Packets from anywhere but the bridge to machines; those from machines go where they like.",
        hook: "type filter hook forward priority filter",
        rules: [`iifname != ${bridge} oifname ${bridge} jump to-machines`],
      },
      toMachines(state, machines),
      ...machines.map((machine) => toMachine(state, machine)),
      {
        name: "input",
        about:
          "Ports of the host that lead to a machine: strangers of the mesh do not get in by them.",
        hook: "type filter hook input priority filter",
        rules: [
          "# Frames to addresses that every bridge keeps to itself (01:80:c2:00:00:0e) come from its port, past the table of the bridge.",
          'iifname "vb-*" counter drop',
          "# The resolver for machines, and whatever else answers at the bridge's masqueraded addresses, is theirs alone.",
          ...[
            `ip daddr ${formatIpv4(gatewayIpv4(ipv4))}`,
            `ip6 daddr ${formatIpv6(gatewayIpv6(ula))}`,
          ].map((own) => `iifname != { "lo", ${bridge} } ${own} ct state new counter drop`),
          `iifname != { "lo", ${bridge} } ip6 saddr ${mesh} ct state new jump from-mesh`,
        ],
      },
      {
        name: "from-mesh",
        about: "Which port leads to which machine. All other ports are the host's own business.",
        rules: fromMesh.map(
          ({ machine: { spec }, port, index }) =>
            `${addressMatch(port)}${portMatch(hostPort(port))} goto ${publishedChain(spec.name, index)}`,
        ),
      },
      ...fromMesh.map(({ machine, port, index }) => toPublished(state, machine, port, index)),
      {
        name: "prerouting",
        about:
          "The same ports by IPv4 from outside: straight to the machine, which sees the client's own address.",
        hook: "type nat hook prerouting priority dstnat",
        rules: published.flatMap(({ machine, port }) => translation(bridge, machine, port)),
      },
    ],
  );
}

/**
 * With br_netfilter, bridged packets too go through IP's NAT, and the masquerading that is meant for the world would
 * show one machine to another as the gateway. What is not tracked is not translated.
 */
function amongSiblings({ network }: HostState): Chain {
  const { bridge, ula, ipv4 } = network;
  const among = (family: string, net: string, gateway: string) =>
    `iifname ${quoteInterface(bridge)} ${family} saddr ${net} ${family} daddr ${net} ${family} daddr != ${gateway} notrack`;
  return {
    name: "among-siblings",
    about:
      "Machines see each other's own addresses, also where the kernel masquerades what is bridged.",
    hook: "type filter hook prerouting priority raw",
    rules: [
      among("ip", formatIpv4Network(ipv4), formatIpv4(gatewayIpv4(ipv4))),
      among("ip6", formatNetwork(ula), formatIpv6(gatewayIpv6(ula))),
    ],
  };
}

function toMachines({ network }: HostState, machines: readonly HostMachine[]): Chain {
  const jumps = machines.map(({ spec: { name } }) => ({
    key: formatIpv6(machineAddress(name, network.prefix)),
    chain: toChain(name),
  }));
  return {
    name: "to-machines",
    about: "Packets to machines.",
    rules: [
      "# Somebody beside the host who says that he is of the mesh, also in the middle of a connection: the way back does not lead to him.",
      `${isSpoofed} counter drop`,
      "# Errors are let in, of whatever connection: without them paths break (RFC 4890, 4.3.1).",
      "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
      "# Answers, and what belongs to them.",
      "ct state established,related accept",
      "ct state invalid counter drop",
      "# Ports of the host that lead to a machine.",
      "ct status dnat accept",
      "# By their addresses on the mesh, each has rules of its own.",
      ...jumpTable("ip6 daddr", jumps),
      "# Nobody has business with the addresses that are masqueraded.",
      "counter drop",
    ],
  };
}

function toMachine(state: HostState, { spec }: HostMachine): Chain {
  return {
    name: toChain(spec.name),
    about: `New connections to ${spec.name}.`,
    rules: [
      ...spec.allow.flatMap((rule) => allowRules(state, rule, rule.ports)),
      ...spec.expose.flatMap((ports) => [
        `# expose ${formatPortRange(ports)}`,
        `${portMatch(ports)} accept`,
      ]),
      "counter drop",
    ],
  };
}

function toPublished(
  state: HostState,
  { spec }: HostMachine,
  port: PublishedPort,
  index: number,
): Chain {
  const { machinePort, protocol } = port;
  const inside: PortRange = { first: machinePort, last: machinePort, protocol };
  const isExposed = spec.expose.some((ports) => coversPort(ports, inside));
  return {
    name: publishedChain(spec.name, index),
    about: `publish ${formatPublishedPort(port)} of ${spec.name}: whom it allows this port, from the mesh.`,
    rules: [
      `${isSpoofed} counter drop`,
      ...(isExposed ? [`# expose ${formatPortRange(inside)}`, "accept"] : []),
      ...spec.allow
        .filter((rule) => coversPort(rule.ports, inside))
        .flatMap((rule) => allowRules(state, rule, undefined)),
      "counter drop",
    ],
  };
}

/** The rules for one of `allow`; ports is what is looked at of the packet. */
function allowRules(state: HostState, rule: AccessRule, ports: PortRange | undefined): string[] {
  const [unknown] = unknownHosts(state, [rule]);
  const peers = peersOf(state, rule);
  const comment = `# allow ${formatAccessRule(rule)}`;
  if (unknown !== undefined) return [`${comment}: nobody, config.toml has no host "${unknown}"`];
  if (peers.length === 0) return [`${comment}: this host, whose machines come in anyway`];
  const match = ports === undefined ? "" : ` ${portMatch(ports)}`;
  return [comment, `ip6 saddr ${sourceOf(peers)}${match} accept`];
}

function sourceOf(peers: readonly Peer[]): string {
  const [first] = peers.map(formatPeer);
  return peers.length === 1 && first !== undefined ? first : anonymousSet(peers.map(formatPeer));
}

function formatPeer(peer: Peer): string {
  switch (peer.kind) {
    case "trusted":
      return "@trusted";
    case "mesh":
      return mesh;
    case "network":
      return formatNetwork(peer.prefix);
    case "address":
      return formatIpv6(peer.address);
  }
}

/** IPv4 alone goes this way: by IPv6 an app that listens on IPv4 would not answer, and a relay has to (lib/relay). */
function translation(bridge: string, { spec }: HostMachine, port: PublishedPort): string[] {
  const { address, machinePort } = port;
  const isOutside = address === undefined || !/:|^127\./.test(address);
  if (spec.ipv4 === undefined || !isOutside) return [];
  const target = `${formatIpv4(spec.ipv4)}:${machinePort}`;
  const local = addressMatch(port) || "fib daddr type local ";
  return [
    `# publish ${formatPublishedPort(port)} of ${spec.name}`,
    `iifname != ${bridge} meta nfproto ipv4 ${local}${portMatch(hostPort(port))} dnat ip to ${target}`,
  ];
}

function hostPort({ hostPort, protocol }: PublishedPort): PortRange {
  return { first: hostPort, last: hostPort, protocol };
}

function isReachedByMesh({ address }: PublishedPort): boolean {
  return address === undefined || (address.includes(":") && address !== "::1");
}

/** The host's address that a port is bound to, if it is bound to one. */
function addressMatch({ address }: PublishedPort): string {
  if (address === undefined || address === "::" || address === "0.0.0.0") return "";
  return address.includes(":") ? `ip6 daddr ${address} ` : `ip daddr ${address} `;
}

function toChain(name: string): string {
  return `to_${name}`;
}

function publishedChain(name: string, index: number): string {
  return `published_${name}_${index + 1}`;
}
