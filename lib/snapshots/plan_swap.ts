/**
 * The decided part of a rollback or reset: what is prepared takes the place of what is there. Pure.
 *
 * @module
 */

import { belowRoot, machinePaths } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";

export interface SwapPlan {
  readonly root: string;
  readonly name: MachineName;
  readonly isLive: boolean;
  readonly isRunning: boolean;
  readonly swap: readonly Step[];
  /** Removes what was taken away: nobody waits for it. */
  readonly clear: readonly Step[];
}

/**
 * Stops the machine for the renames alone. Meanwhile it has no link in /var/lib/machines: a host that loses its power
 * and boots again does not start one half of it with the other. What may fail, as its start may, holds up nothing: a change that is
 * decided comes to its end.
 */
export function planSwap({ root, name, isLive, isRunning, swap, clear }: SwapPlan): Step[] {
  const units = [machineUnit(name)];
  const { machineLink, tree } = machinePaths(root, name);
  return [
    ...(isRunning ? [{ kind: "unit", action: "stop", units } as const] : []),
    { kind: "remove", path: machineLink },
    ...swap,
    { kind: "link", path: machineLink, target: belowRoot(root, tree) },
    ...(isLive ? [{ kind: "reload-systemd" } as const] : []),
    { kind: "derive-host", isForgiving: true },
    ...(isRunning ? [{ kind: "unit", action: "start", units, isForgiving: true } as const] : []),
    ...clear,
  ];
}
