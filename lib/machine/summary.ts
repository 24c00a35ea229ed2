/**
 * A machine in a few words, for lists.
 *
 * @module
 */

import type { ListedMachine } from "./inventory.ts";

export interface MachineSummary {
  readonly name: string;
  /** running, stopped, failed (CODE), starting, stopping, broken; `pull unfinished` and the like for killed work. */
  readonly state: string;
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
    address,
    image: spec?.image.reference,
    since:
      unit?.sinceMs === undefined
        ? undefined
        : new Date(unit.sinceMs).toISOString().replace(".000Z", "Z"),
    startsAtBoot: unit?.isEnabled ?? false,
  };
}

const words: Readonly<Record<string, string>> = {
  active: "running",
  inactive: "stopped",
  activating: "starting",
  deactivating: "stopping",
};

function stateOf({ pending, unit, problem }: ListedMachine): string {
  if (pending !== undefined) return `${pending} unfinished`;
  if (problem !== undefined && (unit === undefined || unit.active === "inactive")) return "broken";
  if (unit === undefined) return "stopped";
  if (unit.active === "failed") {
    return unit.result === "exit-code" ? `failed (${unit.exitStatus})` : `failed (${unit.result})`;
  }
  return words[unit.active] ?? unit.active;
}
