/**
 * Brings the units of relays and published ports in line with a host's state.
 *
 * @module
 */

import { basename, join } from "node:path";
import { listDirectory, nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readUnitStates, startUnits, stopUnits } from "../host/systemd.ts";
import { applyFiles, compareFiles, type FileChanges, previewFiles } from "../host/wanted_files.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { foldersBelow } from "../paths.ts";
import type { HostState } from "../network/host_state.ts";
import { relayDropInName, relayFiles, wantedUnits } from "./relay_files.ts";
import { findRelayTools } from "./relay_tools.ts";
import { relayMachine, unitPattern } from "./unit_names.ts";
import { watcherScript } from "./watcher_unit.ts";

/**
 * Writes the units that machines want, removes the others, and on a live host has running machines use them at
 * once: connections over ports that changed are cut, all others go on.
 *
 * @throws {MbctlError} when a file cannot be written.
 */
export async function deriveRelays(host: Host, state: HostState): Promise<void> {
  const stop = async (paths: readonly string[]) => {
    const units = paths.map((path) => basename(path)).filter(relayMachine);
    await stopUnits(host, units.map(unitPattern));
  };
  await applyFiles(host, compare(host.root, state), {
    stop,
    async restart(files) {
      const paths = files.map(({ path }) => path);
      await stop(paths);
      await startWanted(host, state, paths);
    },
  });
}

/** One line for each change that {@linkcode deriveRelays} would make now. */
export function previewRelays(root: string, state: HostState): string[] {
  return previewFiles(compare(root, state));
}

function compare(root: string, state: HostState): FileChanges {
  const wanted = relayFiles(state, findRelayTools(root));
  const script = join(root, watcherScript.path);
  const present = [...findOurs(foldersBelow(root).units), ...(nameExists(script) ? [script] : [])];
  return compareFiles(root, "relay", wanted, present);
}

/** Starts what machines want that run already and of which a file has changed. */
async function startWanted(
  host: Host,
  state: HostState,
  changed: readonly string[],
): Promise<void> {
  const names = new Set<MachineName>();
  for (const path of changed) {
    const name = relayMachine(basename(path));
    if (name !== undefined) names.add(name);
  }
  const states = await readUnitStates(host.run, [...names]);
  const units = state.machines
    .filter(({ spec }) => names.has(spec.name) && !isStopped(states.get(spec.name)))
    .flatMap(wantedUnits);
  await startUnits(host, units);
}

/** Files of ours in the folder of units. */
function findOurs(folder: string): string[] {
  return listDirectory(folder).flatMap((name) => {
    const path = join(folder, name);
    if (relayMachine(name) !== undefined) return [path];
    if (!/^systemd-nspawn@.+\.service\.d$/.test(name)) return [];
    return listDirectory(path)
      .filter((file) => file === relayDropInName)
      .map((file) => join(path, file));
  });
}
