/**
 * Brings the units of relays and published ports in line with a host's state.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import {
  listDirectory,
  makeDirectory,
  nameExists,
  readTextIfPresent,
  removeFile,
  writeFileDurably,
} from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readUnitStates } from "../host/systemd.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { foldersBelow } from "../machine/paths.ts";
import type { DerivedFile, HostState } from "../network/host_state.ts";
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
  const { wanted, stale } = findUnits(host.root, state);
  const stop = async (paths: readonly string[]) => {
    const units = paths.map((path) => basename(path)).filter((name) => relayMachine(name));
    if (!host.isLive || units.length === 0) return;
    // A pattern that fits nothing is no failure; a unit that was never loaded is exit code 5. One that
    // has failed (its port was taken) would stay so without its file.
    for (const action of ["stop", "reset-failed"]) {
      const argv = ["systemctl", action, "--", ...units.map(unitPattern)];
      await host.run(argv, { allowExitCodes: [0, 1, 5], timeoutMs: 60_000 });
    }
  };
  await stop(stale);
  for (const path of stale) removeFile(path);
  const changed = wanted.filter(({ path, text, mode }) => {
    makeDirectory(dirname(path), 0o755);
    return writeFileDurably(path, text, mode);
  });
  if (!host.isLive || changed.length + stale.length === 0) return;
  await host.run(["systemctl", "daemon-reload"], { timeoutMs: 60_000 });
  await stop(changed.map(({ path }) => path));
  await startWanted(host, state, new Set(changed.map(({ path }) => path)));
}

/** One line for each change that {@linkcode deriveRelays} would make now. */
export function previewRelays(root: string, state: HostState): string[] {
  const { wanted, stale } = findUnits(root, state);
  return [
    ...wanted
      .filter(({ path, text }) => readTextIfPresent(path) !== text)
      .map(({ path }) => `write ${path}`),
    ...stale.map((path) => `remove ${path}`),
  ];
}

/** The files that a host wants, as we see them, and those of ours that nothing wants any more. */
function findUnits(
  root: string,
  state: HostState,
): { readonly wanted: readonly DerivedFile[]; readonly stale: readonly string[] } {
  const wanted = relayFiles(state, findRelayTools(root)).map((file) => ({
    ...file,
    path: join(root, file.path),
  }));
  const kept = new Set(wanted.map(({ path }) => path));
  const found = [
    ...findOurs(foldersBelow(root).units),
    ...[join(root, watcherScript.path)].filter(nameExists),
  ];
  return { wanted, stale: found.filter((path) => !kept.has(path)) };
}

/** Starts what machines want that run already and of which a file has changed. */
async function startWanted(
  host: Host,
  state: HostState,
  changed: ReadonlySet<string>,
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
  if (units.length === 0) return;
  // Each for itself: a port that is taken keeps no other from starting. systemd logs what fails.
  await host.run(["systemctl", "start", "--no-block", "--", ...units], {
    allowExitCodes: [0, 1],
    timeoutMs: 60_000,
  });
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
