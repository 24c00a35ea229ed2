/**
 * The units of a published port: a socket of the host, and a relay in the machine's network. What comes from outside
 * by IPv4 does not reach them: the firewall sends it on, so that the app sees who asks.
 *
 * @module
 */

import { machineUnit } from "../spec/machine_name.ts";
import type { HostMachine } from "../network/host_state.ts";
import { formatPublishedPort, type PublishedPort } from "../network/published_port.ts";
import { formatUnitFile, unitEntry } from "../nspawn/unit_file.ts";
import { serviceUnitItems, socketItems, socketUnitItems } from "./relay6_units.ts";
import { relayService, type RelayTools } from "./relay_service.ts";
import { netnsUnit } from "./unit_names.ts";

/** Renders the socket. */
export function renderPublishSocket({ spec: { name } }: HostMachine, port: PublishedPort): string {
  const { address, hostPort, protocol } = port;
  const isIpv6 = address?.includes(":") === true;
  const listen =
    address === undefined ? `${hostPort}` : `${isIpv6 ? `[${address}]` : address}:${hostPort}`;
  return formatUnitFile([
    ...socketUnitItems(
      `Published port ${formatPublishedPort(port)} of the machine ${name}`,
      machineUnit(name),
    ),
    ...socketItems({ protocol, isProxied: false }, listen),
    // A number alone is every address, of IPv4 too.
    unitEntry("BindIPv6Only", isIpv6 ? "ipv6-only" : "both"),
    // The answer is to come from the address that was asked.
    ...(protocol === "udp" ? [unitEntry("PassPacketInfo", "yes")] : []),
  ]);
}

/** Renders the relay. */
export function renderPublishService(
  machine: HostMachine,
  port: PublishedPort,
  tools: RelayTools,
): string {
  const { name } = machine.spec;
  return formatUnitFile([
    ...serviceUnitItems(
      `Relay from port ${port.hostPort}/${port.protocol} of the host to the machine ${name}`,
      `${machineUnit(name)} ${netnsUnit(name)}`,
    ),
    ...relayService(
      machine,
      port.machinePort,
      { protocol: port.protocol, isProxied: false },
      tools,
    ),
  ]);
}
