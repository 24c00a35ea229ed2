/**
 * A machine in a few words, for lists.
 *
 * @module
 */

import type { HealthState } from "../health/health_report.ts";
import type { ListedMachine } from "./inventory.ts";

export interface MachineSummary {
  readonly name: string;
  /** running, stopped, failed (CODE), restarting (CODE), starting, stopping, broken; `pull unfinished` and the like for killed work, no root tree. */
  readonly state: string;
  /** What its health check found; undefined without one, or when it does not run. */
  readonly health: HealthState | undefined;
  readonly address: string | undefined;
  /** Undefined when machine.toml cannot be read. */
  readonly image: string | undefined;
  /** RFC 3339 in UTC; undefined when it has never run since the host booted. */
  readonly since: string | undefined;
  readonly startsAtBoot: boolean;
}

/** Puts a machine into words. */
export function summarize(machine: ListedMachine): MachineSummary {
  const { name, spec, address, unit } = machine;
  return {
    name,
    state: stateOf(machine),
    health: machine.health?.state,
    address,
    image: spec?.image.reference,
    since:
      unit?.sinceMs === undefined
        ? undefined
        : new Date(unit.sinceMs).toISOString().replace(".000Z", "Z"),
    startsAtBoot: unit?.isEnabled ?? false,
  };
}

/** What people call the states of a unit. */
const words: Readonly<Record<string, string>> = {
  active: "running",
  inactive: "stopped",
  activating: "starting",
  deactivating: "stopping",
};

function stateOf({ pending, unit, problem, lacksTree }: ListedMachine): string {
  if (pending !== undefined) return `${pending} unfinished`;
  if (problem !== undefined && (unit === undefined || unit.active === "inactive")) return "broken";
  if (lacksTree && unit?.active !== "active") return "no root tree";
  if (unit === undefined) return "stopped";
  if (unit.active === "failed" || unit.isRestarting === true) {
    const isRefused = unit.result === "exit-code" && unit.exitStatus === 0;
    // The program was never there: what runs before it said no.
    const end = isRefused ? "start" : unit.result === "exit-code" ? unit.exitStatus : unit.result;
    return `${unit.active === "failed" ? "failed" : "restarting"} (${end})`;
  }
  return stateWord(unit.active);
}

/** `running` for systemd's `active`, and so on. */
export function stateWord(active: string): string {
  return words[active] ?? active;
}
