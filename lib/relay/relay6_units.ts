/**
 * The units of one relay of a machine: a socket at its mesh address, and what serves it. They are templates: the
 * watcher starts an instance for each port.
 *
 * @module
 */

import { formatIpv6, type Ipv6 } from "../address/ipv6.ts";
import type { HostMachine } from "../network/host_state.ts";
import {
  formatUnitFile,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
  type UnitItem,
} from "../nspawn/unit_file.ts";
import { relayService, type RelayTools } from "./relay_service.ts";
import { netnsPath, type RelayKind, watcherUnit } from "./unit_names.ts";

/** What all sockets of relays have. */
export function socketItems(kind: RelayKind, address: string): UnitItem[] {
  return [
    unitSection("Socket"),
    unitEntry(kind.protocol === "tcp" ? "ListenStream" : "ListenDatagram", address),
    unitComment("The address may come later than the socket."),
    unitEntry("FreeBind", "yes"),
    ...(kind.protocol === "tcp"
      ? [unitEntry("Backlog", "4096"), unitEntry("KeepAlive", "yes"), unitEntry("NoDelay", "yes")]
      : [unitEntry("ReceiveBuffer", "1M")]),
  ];
}

/**
 * The `[Unit]` of a socket. Without default dependencies: those stand before basic.target, behind which machines
 * start, and a socket that starts behind its machine would close a circle.
 */
export function socketUnitItems(description: string, needs: string): UnitItem[] {
  return [
    unitComment("Rendered by mbctl from machine.toml; removed with what needs it."),
    unitSection("Unit"),
    unitEntry("Description", description),
    unitEntry("DefaultDependencies", "no"),
    unitEntry("BindsTo", needs),
    unitEntry("After", needs),
    unitEntry("Conflicts", "shutdown.target"),
    unitEntry("Before", "shutdown.target"),
    unitBlank(),
  ];
}

/** The `[Unit]` of what serves a socket. */
export function serviceUnitItems(description: string, needs: string): UnitItem[] {
  return [
    unitComment("Rendered by mbctl from machine.toml; removed with what needs it."),
    unitSection("Unit"),
    unitEntry("Description", description),
    unitEntry("BindsTo", needs),
    unitEntry("After", needs),
    unitBlank(),
  ];
}

/** Renders the template of a relay's socket. */
export function renderRelaySocket(machine: HostMachine, address: Ipv6, kind: RelayKind): string {
  const { name } = machine.spec;
  return formatUnitFile([
    ...socketUnitItems(
      `Port %i/${kind.protocol} of the machine ${name} on IPv6`,
      watcherUnit(name),
    ),
    ...socketItems(kind, `[${formatIpv6(address)}]:%i`),
    unitEntry("NetworkNamespacePath", netnsPath(name)),
  ]);
}

/** Renders the template of a relay. */
export function renderRelayService(
  machine: HostMachine,
  kind: RelayKind,
  tools: RelayTools,
): string {
  const { name } = machine.spec;
  return formatUnitFile([
    ...serviceUnitItems(
      `Relay from IPv6 to port %i/${kind.protocol} of the machine ${name}`,
      watcherUnit(name),
    ),
    ...relayService(machine, "%i", kind, tools),
  ]);
}
