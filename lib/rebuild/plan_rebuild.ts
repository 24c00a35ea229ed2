/**
 * The steps that make a machine anew of its configuration folder. Pure.
 *
 * @module
 */

import type { UnitAction } from "../host/systemd.ts";
import { dirname } from "node:path";
import type { Change } from "../change/apply_change.ts";
import { type NewFiles, planFiles } from "../change/plan_files.ts";
import type { VolumeChanges } from "../declare/plan_volumes.ts";
import { belowRoot, machinePaths, stagedName } from "../paths.ts";
import { limitSteps, planTree, type TreeFitting, type TreeSource } from "../steps/plan_tree.ts";
import type { Step } from "../steps/step.ts";
import { clearOld, type KeptCurrent } from "../snapshots/keep_current.ts";
import { restoreUnitFiles, type UnitFile } from "../snapshots/plan_unit_files.ts";
import { machineUnit } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";

export interface RebuildPlan {
  readonly root: string;
  readonly isLive: boolean;
  readonly isRunning: boolean;
  readonly spec: MachineSpec;
  readonly files: NewFiles;
  /** Undefined: the tree that is there stays. */
  readonly tree: TreeSource | undefined;
  readonly fitting: TreeFitting;
  /** For volumes whose folders are gone; planned with the staged tree in the place of the tree, if there is one. */
  readonly volumes: VolumeChanges;
  /** Drop-ins of the unit that the host has not, but the configuration folder. */
  readonly unitFiles: readonly UnitFile[];
  /** The snapshot to which a tree goes that is there, and does not stay. */
  readonly kept: KeptCurrent | undefined;
  /** Steps that make systemd start it at boot, or not. */
  readonly boot: readonly Step[];
}

/** Plans the rebuilding. Nothing of the configuration and the data is removed; a machine that ran runs again. */
export function planRebuild(plan: RebuildPlan): Change {
  const { root, isLive, spec, volumes, kept } = plan;
  const { name } = spec;
  const paths = machinePaths(root, name);
  const files = planFiles(paths, plan.files);
  const units = restoreUnitFiles(paths.unitDropInFolder, plan.unitFiles, []);
  const unit = (action: UnitAction, isForgiving?: true): Step[] =>
    isLive && plan.isRunning
      ? [{ kind: "unit", action, units: [machineUnit(name)], ...(isForgiving && { isForgiving }) }]
      : [];
  const remove = (path: string): Step => ({ kind: "remove", path });
  const clear = [paths.stagedTree, stagedName(paths.nspawnLink), stagedName(paths.machineLink)];
  const folder = (path: string, mode: number): Step => ({
    kind: "make-directory",
    path: dirname(path),
    mode,
  });
  return {
    name,
    verb: "rebuild",
    prepare: [
      folder(paths.tree, 0o700),
      folder(paths.machineLink, 0o700),
      folder(paths.nspawnLink, 0o755),
      ...clear.map(remove),
      ...clearOld(paths),
      ...(plan.tree === undefined
        ? []
        : [
            ...planTree(plan.tree, spec.image.reference, paths.stagedTree, plan.fitting),
            ...limitSteps(spec, paths.stagedTree),
            { kind: "sync", path: paths.stagedTree } as const,
          ]),
      ...(kept?.prepare ?? []),
      ...unit("stop"),
      ...(kept?.clones ?? []),
      ...volumes.prepare,
      ...files.prepare,
      ...units.prepare,
      ...(kept?.sync ?? []),
      { kind: "sync", path: paths.configuration },
    ],
    undo: [
      ...(kept?.undo ?? []),
      ...volumes.undo,
      ...files.undo,
      ...units.undo,
      ...clear.map(remove),
      ...unit("start", true),
    ],
    redo: [
      ...unit("stop"),
      ...(kept?.redo ?? []),
      {
        kind: "exchange",
        from: paths.stagedTree,
        to: paths.tree,
        aside: kept?.paths.tree ?? paths.oldTree,
      },
      ...volumes.redo.map((step) =>
        step.kind === "complete-tree" ? { ...step, tree: paths.tree } : step,
      ),
      ...systemSteps(plan),
      ...files.redo,
      ...units.redo,
      { kind: "link", path: paths.nspawnLink, target: belowRoot(root, paths.nspawn) },
      { kind: "link", path: paths.machineLink, target: belowRoot(root, paths.tree) },
      ...(isLive ? [{ kind: "reload-systemd" } as const] : []),
      ...plan.boot,
      { kind: "derive-host" },
      ...unit("start", true),
      ...clearOld(paths),
    ],
  };
}

/** A whole system has its two folders; a tree that stays may come from another host, or have had another name. */
function systemSteps({ root, spec, tree, fitting }: RebuildPlan): Step[] {
  if (fitting.kind !== "system") return [];
  const paths = machinePaths(root, spec.name);
  const { settings } = fitting;
  return [
    { kind: "make-directory", path: paths.storage, mode: 0o700 },
    { kind: "make-directory", path: paths.appFolder, mode: 0o755 },
    ...(tree === undefined
      ? [{ kind: "settle-system", tree: paths.tree, settings, isForgiving: true } as const]
      : []),
  ];
}
