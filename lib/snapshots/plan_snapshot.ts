/**
 * Taking a snapshot. Pure.
 *
 * @module
 */

import type { UnitAction } from "../host/systemd.ts";
import type { Change } from "../change/apply_change.ts";
import type { MachinePaths } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import { machineUnit } from "../spec/machine_name.ts";
import { keepCurrent } from "./keep_current.ts";
import type { UnitFile } from "./plan_unit_files.ts";
import type { Snapshot } from "./snapshot_document.ts";

/**
 * What a machine does while it is cloned: it stands still, it is stopped and started again, or it goes on, as one
 * that does not run, or whose clones are made in one moment each.
 */
export type Meanwhile = "frozen" | "stopped" | "untouched";

export interface SnapshotPlan {
  readonly paths: MachinePaths;
  readonly snapshot: Snapshot;
  readonly meanwhile: Meanwhile;
  readonly unitFiles: readonly UnitFile[];
}

/** Plans a snapshot that shows a machine as it is at one moment. */
export function planSnapshot({ paths, snapshot, meanwhile, unitFiles }: SnapshotPlan): Change {
  const { name, hasData } = snapshot;
  const kept = keepCurrent({
    ...{ paths, snapshot, unitFiles },
    ...{ tree: "clone", configuration: "clone", data: hasData ? "clone" : undefined },
  });
  const unit = (action: UnitAction): Step => ({
    kind: "unit",
    action,
    units: [machineUnit(name)],
    ...(action === "start" ? { isForgiving: true } : {}),
  });
  const clones: Readonly<Record<Meanwhile, readonly Step[]>> = {
    frozen: [{ kind: "hold", name, steps: kept.clones }],
    stopped: [unit("stop"), ...kept.clones, unit("start")],
    untouched: kept.clones,
  };
  const goOn: Readonly<Record<Meanwhile, readonly Step[]>> = {
    frozen: [{ kind: "thaw", name }],
    stopped: [unit("start")],
    untouched: [],
  };
  return {
    name,
    verb: "snapshot",
    prepare: [...kept.prepare, ...clones[meanwhile], ...kept.sync],
    undo: [...goOn[meanwhile], ...kept.undo],
    redo: kept.redo,
  };
}
