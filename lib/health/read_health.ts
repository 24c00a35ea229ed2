/**
 * What the checks of a machine have found, as check_health.sh keeps it.
 *
 * @module
 */

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isErrno, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { interrupted } from "../host/run.ts";
import { isStopped, readUnitStates, type UnitState } from "../host/systemd.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { healthPaths } from "./health_paths.ts";
import { type HealthReport, parseHealthReport, plainOutput } from "./health_report.ts";

/**
 * What is known of a machine's health since its last start.
 *
 * @param unit what systemd says of it: what was found before this start does not count.
 * @returns undefined for a machine that does not run, has no health check, or was not asked yet.
 */
export function readHealth(
  root: string,
  name: MachineName,
  unit: UnitState | undefined,
): HealthReport | undefined {
  if (isStopped(unit)) return undefined;
  const { state, output } = healthPaths(name).found;
  const report = parseHealthReport(readTextIfPresent(join(root, state)) ?? "");
  if (report === undefined || report.mainPid !== unit?.mainPid) return undefined;
  return { ...report, ...readOutput(join(root, output)) };
}

/** Who asked the machine last, and what it said. */
function readOutput(path: string): Pick<HealthReport, "askedMs" | "output"> {
  try {
    return { askedMs: statSync(path).mtimeMs, output: plainOutput(readFileSync(path)) };
  } catch (error) {
    if (isErrno(error, "ENOENT")) return { output: "" };
    throw error;
  }
}

export interface HealthPatience {
  /** How long a machine without a health check must run to count as well. */
  readonly graceMs: number;
  /** The longest wait; by default as long as the check itself waits for the machine. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a machine that was started turned out; "running": it has no health check, and did not end within the grace time. */
export type StartOutcome = "healthy" | "unhealthy" | "exited" | "running";

const pauseMs = 200;

/**
 * Waits until a machine that was just started is well, or is not going to be. One that systemd starts again
 * because its program ended counts as one that has ended.
 *
 * @throws {MbctlError} (interrupted) when the signal comes.
 */
export async function waitForHealth(
  host: Host,
  name: MachineName,
  { graceMs, timeoutMs, signal }: HealthPatience,
): Promise<StartOutcome> {
  const settings = readTextIfPresent(join(host.root, healthPaths(name).settings));
  const hasCheck = settings !== undefined;
  const start = performance.now();
  const end = start + (hasCheck ? (timeoutMs ?? patienceMs(settings)) : graceMs);
  let mainPid: number | undefined;
  for (;;) {
    const unit = (await readUnitStates(host.run, [name])).get(name);
    // Before systemd-nspawn runs, its unit has no process.
    if (unit?.mainPid !== undefined && unit.mainPid !== 0) mainPid ??= unit.mainPid;
    const isAnother = mainPid !== undefined && unit?.mainPid !== mainPid;
    if (isStopped(unit) || unit?.isRestarting === true || isAnother) return "exited";
    const state = hasCheck ? readHealth(host.root, name, unit)?.state : undefined;
    if (state === "healthy" || state === "unhealthy") return state;
    if (performance.now() >= end) return hasCheck ? "unhealthy" : "running";
    if (signal?.aborted) throw interrupted();
    await Bun.sleep(pauseMs);
  }
}

/** Beyond the time after which the check itself calls the machine unhealthy. */
const slackMs = 60_000;

/** The longest wait for a machine to be well since its start, by the text of its settings. */
export function patienceMs(settings: string): number {
  const hundredths = /^patience=(\d+)$/m.exec(settings)?.[1];
  const timeout = /^timeout=([\d.]+)$/m.exec(settings)?.[1];
  return Number(hundredths ?? 0) * 10 + Number(timeout ?? 0) * 1000 + slackMs;
}

/** Whether a machine has a health check, as its units were derived. */
export function hasHealthCheck(root: string, name: MachineName): boolean {
  return nameExists(join(root, healthPaths(name).settings));
}
