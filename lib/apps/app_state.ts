/**
 * What the systemd of a machine says of its applications, in words of ours. Pure.
 *
 * @module
 */

import type { HealthState } from "../health/health_report.ts";
import { stateWord } from "../machine/summary.ts";
import type { AppName } from "../spec/app_name.ts";
import { appUnits } from "./app_paths.ts";

export interface AppState {
  /** running, stopped, starting, stopping, restarting (WHY), failed (WHY). */
  readonly state: string;
  readonly isRunning: boolean;
  /** How often systemd has started it again. */
  readonly restarts: number;
  /** What its check found; undefined without one, and where it does not run. */
  readonly health: HealthState | undefined;
}

/** States of units (systemctl(1), ActiveState); any other word of a machine's is none. */
const activeStates = ["active", "inactive", "activating", "deactivating", "failed", "reloading"];

/**
 * Reads the blocks of `systemctl show`: those of applications that are asked for alone, each at its first place.
 *
 * @param text anything, as a machine may say it.
 */
export function parseAppStates(
  text: string,
  names: readonly AppName[],
): ReadonlyMap<AppName, AppState> {
  const states = new Map<AppName, AppState>();
  for (const block of text.split("\n\n")) {
    const values = new Map(
      block.split("\n").map((line): [string, string] => {
        const at = line.indexOf("=");
        return [line.slice(0, Math.max(at, 0)), line.slice(at + 1)];
      }),
    );
    const name = names.find((one) => appUnits(one).service === values.get("Id"));
    if (name === undefined || states.has(name)) continue;
    const active = values.get("ActiveState") ?? "";
    if (!activeStates.includes(active)) continue;
    states.set(name, {
      state: stateOf(active, values),
      isRunning: active === "active" || active === "reloading",
      restarts: number(values.get("NRestarts")),
      health: undefined,
    });
  }
  return states;
}

/** Reads what check_app.sh keeps; undefined for anything else. */
export function parseAppHealth(text: string): HealthState | undefined {
  const [, state] = /^(starting|healthy|unhealthy) \d+ \S+ \d+\n$/.exec(text) ?? [];
  return state as HealthState | undefined;
}

function stateOf(active: string, values: ReadonlyMap<string, string>): string {
  if (active === "failed") return `failed (${failure(values)})`;
  const isRestarting = values.get("SubState")?.startsWith("auto-restart") === true;
  if (isRestarting) return `restarting (${failure(values)})`;
  // While its machine boots, its turn has not come.
  const isWaiting = active === "inactive" && number(values.get("Job")) > 0;
  return stateWord(isWaiting ? "activating" : active);
}

/** Its exit status, or one word of systemd's. */
function failure(values: ReadonlyMap<string, string>): string {
  const result = values.get("Result") ?? "";
  if (result === "exit-code" || result === "success")
    return `${number(values.get("ExecMainStatus"))}`;
  return /^[a-z-]{1,32}$/.test(result) ? result : "unknown";
}

function number(text: string | undefined): number {
  return /^\d{1,9}$/.test(text ?? "") ? Number(text) : 0;
}
