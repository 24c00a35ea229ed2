/**
 * The steps of an upgrade: the new tree is made beside the old one while the machine runs, then they change places.
 * Pure.
 *
 * @module
 */

import type { UnitAction } from "../host/systemd.ts";
import type { Change } from "../change/apply_change.ts";
import { type NewFiles, planFiles } from "../change/plan_files.ts";
import type { VolumeChanges } from "../declare/plan_volumes.ts";
import { belowRoot, machinePaths } from "../paths.ts";
import { limitSteps, planTree, type TreeFitting, type TreeSource } from "../steps/plan_tree.ts";
import type { Step } from "../steps/step.ts";
import type { KeptCurrent } from "../snapshots/keep_current.ts";
import type { PlannedBack } from "../snapshots/plan_back.ts";
import { machineUnit } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";

/** The snapshot that keeps what the machine was. */
export interface Kept {
  /** Without the tree, which changes places with the new one. */
  readonly now: KeptCurrent;
  readonly back: PlannedBack;
}

export interface UpgradePlan {
  readonly root: string;
  readonly isLive: boolean;
  readonly isRunning: boolean;
  readonly spec: MachineSpec;
  readonly files: NewFiles;
  readonly tree: TreeSource;
  readonly fitting: TreeFitting;
  /** Planned with the staged tree in the place of the tree: new volumes are filled from the new image. */
  readonly volumes: VolumeChanges;
  readonly kept: Kept;
  readonly graceMs: number;
}

/** Plans the upgrade. A machine that does not run stays so, and cannot prove that it is well. */
export function planUpgrade(plan: UpgradePlan): Change {
  const { root, isLive, spec, volumes, kept } = plan;
  const { name, image } = spec;
  const paths = machinePaths(root, name);
  const runs = isLive && plan.isRunning;
  const files = planFiles(paths, plan.files);
  const unit = (action: UnitAction, isForgiving?: true): Step[] =>
    runs
      ? [{ kind: "unit", action, units: [machineUnit(name)], ...(isForgiving && { isForgiving }) }]
      : [];
  // A host that loses its power meanwhile and boots again must not start one half with the other.
  const unlink: Step = { kind: "remove", path: paths.machineLink };
  const link: Step = { kind: "link", path: paths.machineLink, target: belowRoot(root, paths.tree) };
  const reload: readonly Step[] = isLive ? [{ kind: "reload-systemd" }] : [];
  return {
    name,
    verb: "upgrade",
    prepare: [
      { kind: "remove", path: paths.stagedTree },
      ...planTree(plan.tree, image.reference, paths.stagedTree, plan.fitting),
      ...limitSteps(spec, paths.stagedTree),
      { kind: "remember-image", image: image.reference },
      { kind: "sync", path: paths.stagedTree },
      ...kept.now.prepare,
      // Until here it runs. What is copied now, the configuration with its volumes, must not change meanwhile.
      ...unit("stop"),
      ...kept.now.clones,
      ...volumes.prepare,
      ...files.prepare,
      ...kept.now.sync,
    ],
    undo: [
      ...kept.now.undo,
      ...volumes.undo,
      ...files.undo,
      { kind: "remove", path: paths.stagedTree },
      ...unit("start", true),
    ],
    redo: [
      ...unit("stop"),
      unlink,
      ...kept.now.redo,
      { kind: "exchange", from: paths.stagedTree, to: paths.tree, aside: kept.now.paths.tree },
      ...volumes.redo,
      ...files.redo,
      link,
      ...reload,
      { kind: "derive-host" },
      ...unit("start"),
    ],
    ...(runs
      ? {
          verify: {
            graceMs: plan.graceMs,
            back: [
              ...unit("stop"),
              unlink,
              ...kept.back.swap,
              // Such a volume was made by the upgrade, of the image that does not do.
              ...volumes.redo.flatMap((step): Step[] =>
                step.kind === "settle" ? [{ kind: "remove", path: step.to }] : [],
              ),
              link,
              ...reload,
              { kind: "derive-host", isForgiving: true },
              ...unit("start", true),
              ...kept.back.clear,
              // Where the upgrade did not come so far as to put it in its place.
              { kind: "remove", path: paths.stagedTree },
              ...volumes.undo,
              ...files.undo,
            ],
          },
        }
      : {}),
  };
}
