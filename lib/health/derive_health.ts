/**
 * Brings the units and files of health checks in line with a host's state.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { busyboxPlace } from "../host/busybox.ts";
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
import { foldersBelow } from "../machine/paths.ts";
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

const timeoutMs = 60_000;

/** Stands from the first file that is written until systemd knows of all: a killed run is ended by the next one. */
const changeMarker = `${healthFolder}/.unfinished`;

const isOld = ({ path, text }: HealthFile) => readTextIfPresent(path) !== text;

/**
 * Writes what machines want for their health checks, removes the rest, and has running machines be asked in the
 * new way at once. Their own units are not touched.
 *
 * @throws {MbctlError} when a file cannot be written.
 */
export async function deriveHealth(host: Host, state: HostState): Promise<void> {
  const machines = readHealthMachines(host, state);
  const { wanted, stale } = findFiles(host, machines);
  const marker = join(host.root, changeMarker);
  const isUnfinished = nameExists(marker);
  if (stale.length > 0 || wanted.some(isOld)) {
    makeDirectory(dirname(marker), 0o700);
    writeFileDurably(marker, "", 0o600);
  } else if (!isUnfinished) return;
  await stop(host, stale.map((path) => basename(path)).filter(healthMachine));
  for (const path of stale) removeFile(path);
  for (const path of stale) forget(host.root, healthMachine(basename(path)));
  const changed = wanted.filter(({ path, text, mode }) => {
    makeDirectory(dirname(path), 0o755);
    return writeFileDurably(path, text, mode);
  });
  if (host.isLive) {
    await host.run(["systemctl", "daemon-reload"], { timeoutMs });
    const names = new Set(changed.map(({ machine }) => machine));
    const asked = machines.filter(({ check }) => check !== undefined);
    await restart(host, isUnfinished ? asked : asked.filter(({ name }) => names.has(name)));
  }
  removeFile(marker);
}

/** One line for each change that {@linkcode deriveHealth} would make now. */
export function previewHealth(host: Host, state: HostState): string[] {
  const { wanted, stale } = findFiles(host, readHealthMachines(host, state));
  return [
    ...wanted.filter(isOld).map(({ path }) => `write ${path}`),
    ...stale.map((path) => `remove ${path}`),
  ];
}

/** The files that a host wants, as we see them, and those of ours that nothing wants any more. */
function findFiles(
  host: Host,
  machines: readonly HealthMachine[],
): { readonly wanted: readonly HealthFile[]; readonly stale: readonly string[] } {
  const { root } = host;
  const wanted = healthFiles(machines, busyboxPlace(host)).map((file) => ({
    ...file,
    path: join(root, file.path),
  }));
  const kept = new Set(wanted.map(({ path }) => path));
  return { wanted, stale: findOurs(root).filter((path) => !kept.has(path)) };
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

/** Ends units. One that was never loaded is exit code 5. */
async function stop(host: Host, units: readonly string[]): Promise<void> {
  if (!host.isLive || units.length === 0) return;
  for (const action of ["stop", "reset-failed"]) {
    await host.run(["systemctl", action, "--", ...units], {
      allowExitCodes: [0, 1, 5],
      timeoutMs,
    });
  }
}

/** Has machines that run be asked anew, from the beginning. */
async function restart(host: Host, machines: readonly HealthMachine[]): Promise<void> {
  const states = await readUnitStates(
    host.run,
    machines.map(({ name }) => name),
  );
  const units = machines
    .filter(({ name }) => !isStopped(states.get(name)))
    .flatMap(wantedHealthUnits);
  if (units.length === 0) return;
  // What was found in the old way does not count, also of a check that is under way.
  await stop(host, units);
  for (const { name } of machines) forget(host.root, name);
  await host.run(["systemctl", "start", "--no-block", "--", ...units], {
    allowExitCodes: [0, 1],
    timeoutMs,
  });
}

/** What was found by a check that is no more. */
function forget(root: string, name: MachineName | undefined): void {
  if (name === undefined) return;
  for (const path of Object.values(healthPaths(name).found)) removeFile(join(root, path));
}
