/**
 * Removing a machine.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { listDirectory, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readLeader, readUnitStates, type UnitAction } from "../host/systemd.ts";
import { noSuchMachine, pendingWork } from "../machine/inventory.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { machinePaths, stagedName } from "../paths.ts";
import { planRollback } from "./plan_pull.ts";
import { planRemove } from "./plan_remove.ts";
import type { Step } from "./step.ts";

export interface Removal {
  readonly steps: readonly Step[];
  /** Folders of the administrator's own that the machine used; they are left alone. */
  readonly kept: readonly string[];
  /** How many snapshots of it go with it. */
  readonly snapshots: number;
}

/**
 * Plans the removal of a machine, also of one whose pull or removal was killed.
 *
 * @param stop whether a running machine is to be stopped first.
 * @throws {MbctlError} (usage) when there is no such machine, (conflict) when it runs.
 */
export async function prepareRemoval(
  host: Host,
  name: MachineName,
  stop: boolean,
): Promise<Removal> {
  const paths = machinePaths(host.root, name);
  const pending = pendingWork(host.root, name);
  const pullMarker = readTextIfPresent(paths.pullMarker);
  if (pending === "pull" && !nameExists(paths.machineLink)) {
    return { steps: planRollback(paths, pullMarker ?? ""), kept: [], snapshots: 0 };
  }
  if ((pending === undefined || pending === "pull") && !nameExists(paths.machineToml)) {
    // A pull that was killed before it began leaves this one file.
    const path = stagedName(paths.pullMarker);
    if (nameExists(path)) return { steps: [{ kind: "remove", path }], kept: [], snapshots: 0 };
    throw noSuchMachine(host.root, name);
  }
  const state = host.isLive ? (await readUnitStates(host.run, [name])).get(name) : undefined;
  const isRunning = host.isLive && !isStopped(state);
  if (host.isLive && !isRunning && (await readLeader(host.run, name)) !== undefined) {
    // Its unit knows nothing of it, so that stopping the unit would not end it.
    throw new MbctlError(
      "conflict",
      `Cannot remove the machine "${name}": it runs, started by hand`,
      {
        hint: `machinectl poweroff ${name}`,
      },
    );
  }
  if (isRunning && !stop) {
    throw new MbctlError("conflict", `Cannot remove the machine "${name}": it runs`, {
      hint: `mbctl machines stop ${name}, or add --stop`,
    });
  }
  const unitStep = (action: UnitAction): Step => ({
    kind: "unit",
    action,
    units: [machineUnit(name)],
  });
  return {
    steps: [
      ...(isRunning ? [unitStep("stop")] : []),
      // Otherwise systemd would go on listing the failed unit of a machine that is gone; stopping can make it one.
      ...(isRunning || state?.active === "failed"
        ? [{ kind: "forget-failure", name } as const]
        : []),
      ...planRemove(host.root, name, host.isLive, pullMarker),
    ],
    kept: hostVolumes(paths.machineToml),
    snapshots: listDirectory(paths.snapshots.trees).filter((label) => !label.startsWith("."))
      .length,
  };
}

/** A machine.toml that is broken does not stand in the way of a removal. */
function hostVolumes(file: string): string[] {
  const text = readTextIfPresent(file);
  if (text === undefined) return [];
  try {
    return parseMachineToml(text, file).volumes.flatMap((volume) =>
      volume.kind === "host" ? [volume.source] : [],
    );
  } catch (error) {
    if (error instanceof MbctlError) return [];
    throw error;
  }
}
