/**
 * Brings the units and files of health checks in line with a host's state.
 *
 * @module
 */

import { basename, join } from "node:path";
import { busyboxPlace } from "../host/busybox.ts";
import { listDirectory, makeDirectory, nameExists, removeFile } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readUnitStates, startUnits, stopUnits } from "../host/systemd.ts";
import { applyFiles, compareFiles, type FileChanges, previewFiles } from "../host/wanted_files.ts";
import { foldersBelow } from "../paths.ts";
import type { HostState } from "../network/host_state.ts";
import type { MachineName } from "../spec/machine_name.ts";
import {
  healthDropInName,
  type HealthFile,
  healthFiles,
  type HealthMachine,
  wantedHealthUnits,
} from "./health_files.ts";
import { readHealthMachines } from "./health_machines.ts";
import { healthFolder, healthPaths, healthScript, startScript } from "./health_paths.ts";
import { healthMachine } from "./unit_names.ts";

/**
 * Writes what machines want for their health checks, removes the rest, and has running machines be asked in the
 * new way at once. Their own units are not touched.
 *
 * @throws {MbctlError} when a file cannot be written.
 */
export async function deriveHealth(host: Host, state: HostState): Promise<void> {
  const machines = readHealthMachines(host, state);
  const changes = compare(host, machines);
  if (changes.write.length > 0) makeDirectory(join(host.root, healthFolder), 0o700);
  await applyFiles(host, changes, {
    async stop(paths) {
      const units = paths.map((path) => basename(path)).filter(healthMachine);
      await stopUnits(host, units);
      for (const unit of units) forget(host.root, healthMachine(unit));
    },
    async restart(files) {
      const names = new Set(files.map(({ machine }) => machine));
      await askAnew(
        host,
        machines.filter(({ name, check }) => check !== undefined && names.has(name)),
      );
    },
  });
}

/** One line for each change that {@linkcode deriveHealth} would make now. */
export function previewHealth(host: Host, state: HostState): string[] {
  return previewFiles(compare(host, readHealthMachines(host, state)));
}

function compare(host: Host, machines: readonly HealthMachine[]): FileChanges<HealthFile> {
  const wanted = healthFiles(machines, busyboxPlace(host));
  return compareFiles(host.root, "health", wanted, findOurs(host.root));
}

/** All files of ours that there are. */
function findOurs(root: string): string[] {
  const { units } = foldersBelow(root);
  const inUnits = listDirectory(units).flatMap((name) => {
    const path = join(units, name);
    if (healthMachine(name) !== undefined) return [path];
    if (!/^systemd-nspawn@.+\.service\.d$/.test(name)) return [];
    return listDirectory(path)
      .filter((file) => file === healthDropInName)
      .map((file) => join(path, file));
  });
  const folder = join(root, healthFolder);
  const settings = listDirectory(folder).filter((name) => /^[^.].*\.(conf|sh)$/.test(name));
  return [
    ...inUnits,
    ...settings.map((name) => join(folder, name)),
    ...[healthScript, startScript].map((path) => join(root, path)).filter(nameExists),
  ];
}

/** Has machines that run be asked anew, from the beginning. */
async function askAnew(host: Host, machines: readonly HealthMachine[]): Promise<void> {
  const states = await readUnitStates(
    host.run,
    machines.map(({ name }) => name),
  );
  const running = machines.filter(({ name }) => !isStopped(states.get(name)));
  const units = running.flatMap(wantedHealthUnits);
  // What was found in the old way does not count, also of a check that is under way.
  await stopUnits(host, units);
  for (const { name } of running) forget(host.root, name);
  await startUnits(host, units);
}

/** What was found by a check that is no more. */
function forget(root: string, name: MachineName | undefined): void {
  if (name === undefined) return;
  for (const path of Object.values(healthPaths(name).found)) removeFile(join(root, path));
}
