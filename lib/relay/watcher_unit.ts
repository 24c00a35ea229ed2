/**
 * The unit that watches which ports a machine's app listens on (watch_ports.sh), and has them relayed.
 *
 * @module
 */

import type { Ipv6 } from "../address/ipv6.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import type { DerivedFile } from "../network/host_state.ts";
import { formatRelayPort, type RelayPort } from "../network/relay_port.ts";
import {
  formatUnitFile,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "../nspawn/unit_file.ts";
import { sandbox } from "./relay_service.ts";
import { netnsPath, netnsUnit, relayUnit } from "./unit_names.ts";
import watchPorts from "./watch_ports.sh" with { type: "text" };

/** The script of all watchers of a host. */
export const watcherScript: DerivedFile = {
  path: "/var/lib/mbctl/watch_ports.sh",
  text: watchPorts,
  mode: 0o644,
};

/** Renders `mbctl-relay6_NAME.service`. */
export function renderWatcherUnit(
  name: MachineName,
  address: Ipv6,
  relays: readonly RelayPort[],
): string {
  const needs = `${machineUnit(name)} ${netnsUnit(name)}`;
  // Ports that are named come before "auto".
  const fixed = relays.filter(({ port }) => port !== "auto");
  const auto = relays.filter(({ port }) => port === "auto");
  const words = [...fixed, ...auto].map(
    (relay) =>
      `${relay.protocol}:${relay.port === "auto" ? "*" : relay.port}=${relayUnit(name, relay)}`,
  );
  return formatUnitFile([
    unitComment("Rendered by mbctl from machine.toml; removed with what needs it."),
    unitSection("Unit"),
    unitEntry(
      "Description",
      `Relays to IPv4 ports of the machine ${name}: ${relays.map(formatRelayPort).join(", ")}`,
    ),
    unitEntry("BindsTo", needs),
    unitEntry("After", needs),
    unitBlank(),
    unitSection("Service"),
    unitEntry("Type", "exec"),
    unitEntry(
      "ExecStart",
      `/bin/sh ${watcherScript.path} ${kernelHex(address)} ${words.join(" ")}`,
    ),
    unitEntry("Restart", "on-failure"),
    unitEntry("SyslogIdentifier", "mbctl-relay6"),
    unitEntry("NetworkNamespacePath", netnsPath(name)),
    unitComment("However many ports the app listens on."),
    unitEntry("CPUQuota", "20%"),
    unitEntry("MemoryMax", "64M"),
    ...sandbox("AF_UNIX"),
    unitEntry("MemoryDenyWriteExecute", "yes"),
  ]);
}

/** An address as /proc/net/tcp6 shows it: four words, each in the byte order of the machine, and ours are little-endian. */
function kernelHex(address: Ipv6): string {
  const words = address.toString(16).padStart(32, "0").match(/.{8}/g) ?? [];
  return words
    .map((word) => (word.match(/../g) ?? []).reverse().join(""))
    .join("")
    .toUpperCase();
}
