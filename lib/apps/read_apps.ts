/**
 * What a machine's applications do now. All that a machine says of itself is its own word: it is bounded, and parsed
 * into words of ours.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped } from "../host/systemd.ts";
import { keptImageConfig } from "../image/config.ts";
import { type ListedMachine, readMachine } from "../machine/inventory.ts";
import { machinePaths } from "../paths.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { readMachineFile } from "../watch/machine_entry.ts";
import { appPaths, appUnits } from "./app_paths.ts";
import { type AppState, parseAppHealth, parseAppStates } from "./app_state.ts";
import { type AppSummary, silentState, summarizeApp } from "./app_list.ts";
import { appImageFile } from "./plan_app.ts";
import { findSystemd } from "./machine_systemd.ts";

/** A list is not held up by a machine that does not answer. */
const listTimeoutMs = 3000;

/**
 * Asks a running machine about its applications; those of one that does not run, or does not answer, have no state.
 *
 * @param warn told why it did not answer.
 */
async function readAppStates(
  host: Host,
  machine: MachineName,
  apps: readonly AppSpec[],
  warn: (text: string) => void,
): Promise<ReadonlyMap<AppName, AppState>> {
  if (apps.length === 0) return new Map();
  try {
    const systemd = await findSystemd(host, machine, listTimeoutMs);
    if (systemd === undefined) return new Map();
    const properties = "Id,ActiveState,SubState,Result,ExecMainStatus,NRestarts,Job";
    const units = apps.map(({ name }) => appUnits(name).service);
    const text = await systemd.systemctl(["show", `--property=${properties}`, "--", ...units]);
    const states = parseAppStates(
      text,
      apps.map(({ name }) => name),
    );
    return new Map(
      [...states].map(([name, state]) => {
        const kept = readMachineFile(systemd.leader, appPaths(name).health);
        const health = state.isRunning ? parseAppHealth(kept ?? "") : undefined;
        return [name, { ...state, health }];
      }),
    );
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    warn(`"${machine}" does not say how its applications are: ${error.message}`);
    return new Map();
  }
}

/**
 * The applications of all machines, asked at once.
 *
 * @returns those of each machine that has some.
 */
export async function readAllApps(
  host: Host,
  machines: readonly ListedMachine[],
  warn: (text: string) => void,
): Promise<ReadonlyMap<MachineName, readonly AppSummary[]>> {
  const withApps = machines.filter(({ spec }) => (spec?.apps.length ?? 0) > 0);
  const found = await Promise.all(
    withApps.map(async (machine) => [machine.name, await appsOf(host, machine, warn)] as const),
  );
  return new Map(found);
}

/**
 * The applications of a machine with all that lists show of them.
 *
 * @throws {MbctlError} (usage) when there is no such machine.
 */
export async function listApps(
  host: Host,
  machine: MachineName,
  warn: (text: string) => void,
): Promise<AppSummary[]> {
  return await appsOf(host, await readMachine(host, machine), warn);
}

async function appsOf(
  host: Host,
  { name: machine, spec, unit }: ListedMachine,
  warn: (text: string) => void,
): Promise<AppSummary[]> {
  const apps = spec?.apps ?? [];
  const isRunning = !isStopped(unit);
  const states = isRunning ? await readAppStates(host, machine, apps, warn) : new Map();
  const { configuration } = machinePaths(host.root, machine);
  return apps.map((app) => {
    const image = keptImageConfig(readTextIfPresent(appImageFile(configuration, app.name)));
    const ports = image?.ports ?? [];
    return summarizeApp(app, states.get(app.name), silentState(unit, Date.now()), ports);
  });
}
