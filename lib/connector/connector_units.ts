/**
 * The units of a pair of machines, for systemd 252 and later: a socket, and the process that runs commands.
 *
 * @module
 */

import { join } from "node:path";
import { formatUnitFile, type UnitItem } from "../nspawn/unit_file.ts";
import { unitBlank, unitComment, unitEntry, unitSection } from "../nspawn/unit_file.ts";
import { usageError } from "../errors.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { pairFolder, socketName } from "./connector_paths.ts";
import { type Caller, hostCaller } from "./unit_names.ts";

/**
 * What systemd-nspawn's own filter keeps from a machine, for a command that comes from outside does not run under
 * it (nspawn-seccomp.c). Keyrings, for instance, know no namespaces.
 */
const forbidden =
  "~@keyring @clock @module @raw-io @reboot @swap @obsolete bpf perf_event_open open_by_handle_at";

/** Each call has a socket, three descriptors of the client's, and what watches the command. The second is systemd's own, for commands. */
const descriptorLimit = "16384:524288";

const rendered = "Rendered by mbctl from the machines' machine.toml.";

/** Renders `mbctl-connector_CLIENT_SERVER.socket`. */
export function renderConnectorSocket(client: Caller, server: MachineName): string {
  return formatUnitFile([
    ...head(client, server),
    unitBlank(),
    unitSection("Socket"),
    unitEntry("ListenStream", join(pairFolder("/", client, server), socketName)),
    unitComment(
      "Whoever sees the folder: the processes of one machine. The server looks who it is.",
    ),
    unitEntry("SocketMode", client === hostCaller ? "0600" : "0666"),
    unitEntry("DirectoryMode", "0755"),
    unitEntry("RemoveOnStop", "yes"),
    unitEntry("Backlog", "512"),
  ]);
}

/**
 * Renders `mbctl-connector_CLIENT_SERVER.service`.
 *
 * @param serve the words that start mbctl as a server; the pair follows them.
 */
export function renderConnectorService(
  client: Caller,
  server: MachineName,
  serve: readonly string[],
): string {
  return formatUnitFile([
    ...head(client, server),
    unitBlank(),
    unitSection("Service"),
    unitEntry("Type", "exec"),
    unitEntry("ExecStart", [...serve, client, server].map(unitWord).join(" ")),
    unitEntry("LimitNOFILE", descriptorLimit),
    unitComment("Its commands are in the cgroup of their machine, and it ends them itself."),
    unitEntry("KillMode", "mixed"),
    unitEntry("TimeoutStopSec", "30s"),
    unitEntry("SyslogIdentifier", "mbctl-connector"),
    unitBlank(),
    unitComment(
      "It enters machines, and its commands inherit its filters: no NoNewPrivileges=, no bounds of",
    ),
    unitComment("capabilities or namespaces. The machine's own bounds are put on each command."),
    unitEntry("ProtectSystem", "strict"),
    unitEntry("ReadWritePaths", "-/run/mbctl -/sys/fs/cgroup"),
    unitEntry("ProtectHome", "yes"),
    unitEntry("PrivateTmp", "yes"),
    unitComment("As systemd-nspawn does for the machine's own programs."),
    unitEntry("SystemCallFilter", forbidden),
    unitEntry("SystemCallErrorNumber", "EPERM"),
    unitEntry("IgnoreSIGPIPE", "no"),
  ]);
}

/** Renders the drop-in of sockets.target: they are there before any machine starts. */
export function renderSocketsDropIn(units: readonly string[]): string {
  return formatUnitFile([
    unitComment(rendered),
    unitSection("Unit"),
    ...units.map((unit) => unitEntry("Wants", `${unit}.socket`)),
  ]);
}

function head(client: Caller, server: MachineName): UnitItem[] {
  const who = client === hostCaller ? "the host" : client;
  return [
    unitComment(rendered),
    unitSection("Unit"),
    unitEntry("Description", `Commands that ${server} lends to ${who}`),
  ];
}

/** The words are paths of mbctl and names of machines. */
function unitWord(word: string): string {
  if (/^[A-Za-z0-9_./@:+=-]+$/.test(word)) return word;
  throw usageError(
    `Cannot write ${JSON.stringify(word)} to a unit: a path of mbctl holds more than letters, digits and "_./@:+=-"`,
    "install mbctl in /usr/local/bin",
  );
}
