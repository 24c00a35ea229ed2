/**
 * Brings the units and folders of connectors in line with a host's state.
 *
 * @module
 */

import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { listDirectory, makeDirectory, nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { unitCommand } from "../host/self.ts";
import { startUnits, stopUnits } from "../host/systemd.ts";
import { applyFiles, compareFiles, type FileChanges, previewFiles } from "../host/wanted_files.ts";
import { foldersBelow, machinePaths } from "../paths.ts";
import type { DerivedFile, HostState } from "../network/host_state.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { isMachineName } from "../spec/machine_name.ts";
import { clearClientFolder, renewClientFolder } from "./client_folder.ts";
import {
  type ConnectorPair,
  connectorFiles,
  connectorPairs,
  socketsDropIn,
} from "./connector_files.ts";
import { callerFolder, connectorFolders, pairFolder, socketName } from "./connector_paths.ts";
import { readConnectorMachines } from "./read_lent.ts";
import { connectorPair, connectorUnit, hostCaller } from "./unit_names.ts";

/**
 * Writes what machines want for their connectors and removes the rest. Machines that run see it at once; calls that
 * are under way by a connector that is taken away are ended.
 *
 * @throws {MbctlError} when a file cannot be written, (host) when machines have connectors and there is no program to
 * give them.
 */
export async function deriveConnectors(host: Host, state: HostState): Promise<void> {
  const { root } = host;
  const machines = readConnectorMachines(root, specsOf(state));
  const pairs = connectorPairs(machines);
  const { callers } = connectorFolders(root);
  const clients = machines.filter(({ connectors }) => connectors.length > 0);
  if (pairs.length > 0 || clients.length > 0) makeDirectory(callers, 0o700);
  for (const { client, server } of pairs) makeDirectory(pairFolder(root, client, server), 0o755);
  // A machine with connectors does not start without its folder, whatever is in it.
  for (const { name } of clients) makeDirectory(join(callerFolder(root, name), ".client"), 0o755);
  if (clients.length > 0) await renewClientFolder(host);
  else clearClientFolder(root);
  await applyFiles(host, compare(root, pairs), {
    async stop(paths) {
      await stopUnits(host, paths.map((path) => basename(path)).filter(connectorPair));
    },
    async restart(files) {
      const changed = files.map(({ path }) => basename(path)).filter(connectorPair);
      await stopUnits(host, changed);
      await startUnits(
        host,
        pairs
          .map(({ client, server }) => connectorUnit(client, server))
          .filter((unit) => changed.some((name) => name.startsWith(`${unit}.`)))
          .map((unit) => `${unit}.socket`),
      );
    },
  });
  removeFolders(root, pairs);
}

function specsOf({ machines }: HostState): MachineSpec[] {
  return machines.map(({ spec }) => spec);
}

/** One line for each change that {@linkcode deriveConnectors} would make now. */
export function previewConnectors({ root }: Host, state: HostState): string[] {
  return previewFiles(compare(root, connectorPairs(readConnectorMachines(root, specsOf(state)))));
}

function compare(root: string, pairs: readonly ConnectorPair[]): FileChanges<DerivedFile> {
  const wanted = connectorFiles(pairs, unitCommand(root, "connector-serve"));
  return compareFiles(root, "connectors", wanted, findOurs(root));
}

/** All files of ours that there are. */
function findOurs(root: string): string[] {
  const { units } = foldersBelow(root);
  const { callers } = connectorFolders(root);
  const dropIn = join(root, socketsDropIn);
  return [
    ...listDirectory(units)
      .filter((name) => connectorPair(name) !== undefined)
      .map((name) => join(units, name)),
    ...(nameExists(dropIn) ? [dropIn] : []),
    ...listDirectory(callers).flatMap((client) =>
      listDirectory(join(callers, client))
        .filter((server) => !server.startsWith("."))
        .flatMap((server) => commandFiles(join(callers, client, server))),
    ),
  ];
}

function commandFiles(folder: string): string[] {
  return listDirectory(folder)
    .filter((name) => name !== socketName)
    .map((name) => join(folder, name));
}

/**
 * Removes the folders of pairs that are no more, and those of machines that are gone: a machine that is made anew
 * under the name gets a folder of its own. One that is there keeps its folder, which it may have mounted.
 */
function removeFolders(root: string, pairs: readonly ConnectorPair[]): void {
  const { callers } = connectorFolders(root);
  const isThere = (client: string) =>
    client === hostCaller
      ? pairs.length > 0
      : isMachineName(client) && nameExists(machinePaths(root, client).machineToml);
  const keptPairs = new Set(pairs.map(({ client, server }) => pairFolder(root, client, server)));
  const remove = (path: string) => rmSync(path, { recursive: true, force: true });
  for (const client of listDirectory(callers)) {
    const folder = join(callers, client);
    if (!isThere(client)) {
      remove(folder);
      continue;
    }
    for (const server of listDirectory(folder)) {
      const pair = join(folder, server);
      if (!server.startsWith(".") && !keptPairs.has(pair)) remove(pair);
    }
  }
  // No machine that is there has ever had a connector: nobody has the folders mounted.
  if (pairs.length > 0 || listDirectory(callers).length > 0) return;
  for (const path of Object.values(connectorFolders(root))) remove(path);
}
