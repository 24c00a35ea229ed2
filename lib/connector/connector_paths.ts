/**
 * Where what belongs to connectors lies: on the host, and in a machine that was given one.
 *
 * @module
 */

import { join } from "node:path";
import type { EnvEntry } from "../env/env_entry.ts";
import { connectorsInMachine, foldersBelow } from "../paths.ts";
import type { NspawnBind } from "../nspawn/render.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import type { Caller } from "./unit_names.ts";

/** In a machine, in that folder: the program that calls, with all that it needs. */
export const clientInMachine = `${connectorsInMachine}/.client`;

/** The same folders on the host. */
export interface ConnectorFolders {
  /** Root's alone: the host's users reach no socket in it. A folder for each machine that calls. */
  readonly callers: string;
  /** What stands behind {@linkcode clientInMachine}, the same for all machines. */
  readonly client: string;
}

/** @param root where the host's file system begins. */
export function connectorFolders(root: string): ConnectorFolders {
  const { state } = foldersBelow(root);
  return { callers: join(state, "connectors"), client: join(state, "connector-client") };
}

/** What a machine sees at {@linkcode connectorsInMachine}. */
export function callerFolder(root: string, client: Caller): string {
  return join(connectorFolders(root).callers, client);
}

/** The folder of a pair: its socket, and a file for each command. */
export function pairFolder(root: string, client: Caller, server: MachineName): string {
  return join(callerFolder(root, client), server);
}

/** The file name of the socket, in the folder of a pair. No command begins with a dot. */
export const socketName = ".socket";

/** The longest path that a socket can be bound to (unix(7), sun_path without its NUL). */
const socketPathLimit = 107;

/** Whether the socket of a pair has a path that the kernel takes. */
export function fitsSocket(client: Caller, server: MachineName): boolean {
  return `${pairFolder("/", client, server)}/${socketName}`.length <= socketPathLimit;
}

/**
 * What a machine with connectors has mounted. Not id-mapped: to its root all of it belongs to nobody, so that it could
 * not write there if it found a way to make the mount writable.
 */
export function connectorBinds({
  name,
  connectors,
}: Pick<MachineSpec, "name" | "connectors">): NspawnBind[] {
  if (connectors.length === 0) return [];
  const bind = (source: string, target: string) => ({
    ...{ source, target },
    isIdmapped: false,
    isReadOnly: true,
  });
  return [
    bind(callerFolder("/", name), connectorsInMachine),
    bind(connectorFolders("/").client, clientInMachine),
  ];
}

/** What tells the program of a machine where its connectors are. */
export function connectorVariables({ connectors }: Pick<MachineSpec, "connectors">): EnvEntry[] {
  return connectors.length === 0 ? [] : [["MBCTL_CONNECTOR_DIR", connectorsInMachine]];
}

/** What a booted machine has, so that its services know the folder (systemd-system.conf(5)); lib/os writes it. */
export const managerSettings = {
  path: "/etc/systemd/system.conf.d/10-mbctl-connectors.conf",
  text: `# Written by mbctl: where commands of other machines are, once it is given any.
[Manager]
DefaultEnvironment=MBCTL_CONNECTOR_DIR=${connectorsInMachine}
`,
} as const;
