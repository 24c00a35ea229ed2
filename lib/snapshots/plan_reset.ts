/**
 * A root tree made anew of its image. Pure.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import type { MachinePaths } from "../paths.ts";
import { limitSteps, planTree, type TreeFitting, type TreeSource } from "../steps/plan_tree.ts";
import type { Step } from "../steps/step.ts";
import { clearOld, keepCurrent } from "./keep_current.ts";
import { planSwap } from "./plan_swap.ts";
import type { UnitFile } from "./plan_unit_files.ts";
import type { Snapshot } from "./snapshot_document.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";

export interface ResetPlan {
  readonly root: string;
  readonly paths: MachinePaths;
  readonly spec: MachineSpec;
  readonly tree: TreeSource;
  readonly fitting: TreeFitting;
  /** What the present state is kept as; undefined: the tree is removed. */
  readonly keep: Snapshot | undefined;
  readonly isLive: boolean;
  readonly isRunning: boolean;
  readonly unitFiles: readonly UnitFile[];
}

/** Plans that a root tree is again its image's; configuration and data stay. */
export function planReset(plan: ResetPlan): Change {
  const { root, paths, spec, tree, fitting, keep, isLive, isRunning, unitFiles } = plan;
  const kept =
    keep === undefined
      ? undefined
      : keepCurrent({
          ...{ paths, snapshot: keep, unitFiles },
          ...{ tree: "none", configuration: "clone" },
        });
  // Its program writes to volumes of the configuration.
  const hold = (steps: readonly Step[]): readonly Step[] =>
    isRunning && steps.length > 0 ? [{ kind: "hold", name: spec.name, steps }] : steps;
  const goOn: readonly Step[] = isRunning ? [{ kind: "thaw", name: spec.name }] : [];
  const clear: Step = { kind: "remove", path: paths.stagedTree };
  return {
    name: spec.name,
    verb: "reset",
    prepare: [
      clear,
      ...(kept?.prepare ?? clearOld(paths)),
      ...planTree(tree, spec.image.reference, paths.stagedTree, fitting),
      ...limitSteps(spec, paths.stagedTree),
      ...hold(kept?.clones ?? []),
      { kind: "sync", path: paths.stagedTree },
      ...(kept?.sync ?? []),
    ],
    undo: [...goOn, clear, ...(kept?.undo ?? [])],
    redo: planSwap({
      ...{ root, name: spec.name, isLive, isRunning },
      swap: [
        ...(kept?.redo ?? []),
        {
          kind: "exchange",
          from: paths.stagedTree,
          to: paths.tree,
          aside: kept?.paths.tree ?? paths.oldTree,
        },
      ],
      clear: clearOld(paths),
    }),
  };
}
