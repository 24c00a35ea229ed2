/**
 * All files of a host that follow from who may run whose commands: units, and what a machine sees in its folder.
 *
 * @module
 */

import { join } from "node:path";
import { quoteWord } from "../env/posix_sh.ts";
import type { DerivedFile } from "../network/host_state.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { clientInMachine, fitsSocket, pairFolder } from "./connector_paths.ts";
import {
  renderConnectorService,
  renderConnectorSocket,
  renderSocketsDropIn,
} from "./connector_units.ts";
import { type Caller, connectorUnit, hostCaller } from "./unit_names.ts";

/** One machine of the host. */
export interface ConnectorMachine {
  readonly name: MachineName;
  /** The names of the commands that it lends. */
  readonly lends: readonly string[];
  /** Machines whose commands it may run. */
  readonly connectors: readonly MachineName[];
}

/** Who may run whose commands. */
export interface ConnectorPair {
  readonly client: Caller;
  readonly server: MachineName;
  readonly commands: readonly string[];
}

/** Of sockets.target: the only unit whose drop-in is not a machine's. */
export const socketsDropIn = "/etc/systemd/system/sockets.target.d/50-mbctl-connectors.conf";

/** All pairs: each machine that lends, with the host and with all machines that were given it. */
export function connectorPairs(machines: readonly ConnectorMachine[]): ConnectorPair[] {
  return machines.flatMap(({ name: server, lends: commands }): ConnectorPair[] => {
    if (commands.length === 0) return [];
    const clients = machines.filter(({ connectors }) => connectors.includes(server));
    return [hostCaller, ...clients.map(({ name }) => name)]
      .filter(
        (client): client is Caller => client !== server && fitsSocket(client as Caller, server),
      )
      .map((client) => ({ client, server, commands }));
  });
}

/**
 * The files of all pairs.
 *
 * @param serve the words that start mbctl as a server.
 */
export function connectorFiles(
  pairs: readonly ConnectorPair[],
  serve: readonly string[],
): DerivedFile[] {
  if (pairs.length === 0) return [];
  const units = pairs.map(({ client, server }) => connectorUnit(client, server)).sort();
  return [
    { path: socketsDropIn, text: renderSocketsDropIn(units), mode: 0o644 },
    ...pairs.flatMap((pair) => pairFiles(pair, serve)),
  ];
}

function pairFiles({ client, server, commands }: ConnectorPair, serve: readonly string[]) {
  const unit = `/etc/systemd/system/${connectorUnit(client, server)}`;
  const folder = pairFolder("/", client, server);
  return [
    { path: `${unit}.socket`, text: renderConnectorSocket(client, server), mode: 0o644 },
    { path: `${unit}.service`, text: renderConnectorService(client, server, serve), mode: 0o644 },
    // The host has mbctl itself.
    ...(client === hostCaller
      ? []
      : commands.map((command) => ({
          path: join(folder, command),
          text: renderCommand(server, command),
          mode: 0o755,
        }))),
  ];
}

/** What a machine runs as `/connectors/SERVER/COMMAND`. */
function renderCommand(server: MachineName, command: string): string {
  return `#!${clientInMachine}/busybox sh
# Rendered by mbctl: runs ${command} in the machine ${server}.
set -- ${quoteWord(server)} ${quoteWord(command)} "$@"
. ${clientInMachine}/call
`;
}
