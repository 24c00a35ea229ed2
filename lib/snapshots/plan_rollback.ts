/**
 * Going back to a snapshot. Pure.
 *
 * @module
 */

import { dirname, join } from "node:path";
import type { Change } from "../change/apply_change.ts";
import { appliedPaths, type MachinePaths } from "../paths.ts";
import { limitSteps } from "../steps/plan_tree.ts";
import type { Step } from "../steps/step.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { clearOld, keepCurrent } from "./keep_current.ts";
import { planSwap } from "./plan_swap.ts";
import { restoreUnitFiles, type UnitFile } from "./plan_unit_files.ts";
import type { Snapshot } from "./snapshot_document.ts";
import { snapshotPaths } from "./snapshot_paths.ts";

/** A small file of a configuration folder that is to differ from the snapshot's; latin1. */
export interface PatchedFile {
  /** Inside of the folder. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export interface RollbackPlan {
  readonly root: string;
  readonly paths: MachinePaths;
  readonly snapshot: Snapshot;
  /** What the machine was. */
  readonly spec: MachineSpec;
  /** Whether the data goes back, too. */
  readonly withData: boolean;
  /** What the present state is kept as; undefined: it is removed. */
  readonly keep: Snapshot | undefined;
  readonly isLive: boolean;
  readonly isRunning: boolean;
  /** The drop-ins of the unit as they are, and as they were. */
  readonly unitFiles: {
    readonly present: readonly UnitFile[];
    readonly former: readonly UnitFile[];
  };
  /** Secrets and addresses stay those of now. */
  readonly patches: readonly PatchedFile[];
}

/** Plans that tree and configuration, and on request the data, are again what they were. */
export function planRollbackTo(plan: RollbackPlan): Change {
  const { root, paths, snapshot, spec, withData, keep, isLive, isRunning, unitFiles, patches } =
    plan;
  const from = snapshotPaths(paths, snapshot.label);
  const clone = (source: string, tree: string): Step => ({
    kind: "clone-tree",
    from: source,
    tree,
  });
  const kept =
    keep === undefined
      ? undefined
      : keepCurrent({
          ...{ paths, snapshot: keep, unitFiles: unitFiles.present },
          ...{ tree: "none", configuration: "none", data: keep.hasData ? "none" : undefined },
        });
  const units = restoreUnitFiles(paths.unitDropInFolder, unitFiles.former, unitFiles.present);
  const staged = [
    paths.stagedTree,
    paths.stagedConfiguration,
    ...(withData ? [paths.stagedStorage] : []),
  ];
  const clear = staged.map((path): Step => ({ kind: "remove", path }));
  const swap = planSwap({
    ...{ root, name: snapshot.name, isLive, isRunning },
    swap: [
      ...(kept?.redo ?? []),
      ...units.redo,
      exchange(paths.stagedTree, paths.tree, kept?.paths.tree ?? paths.oldTree),
      ...(withData
        ? [exchange(paths.stagedStorage, paths.storage, kept?.paths.data ?? paths.oldStorage)]
        : []),
      exchange(
        paths.stagedConfiguration,
        paths.configuration,
        kept?.paths.configuration ?? paths.oldConfiguration,
      ),
    ],
    clear: clearOld(paths),
  });
  return {
    name: snapshot.name,
    verb: "rollback",
    prepare: [
      ...clear,
      ...(kept?.prepare ?? clearOld(paths)),
      clone(from.tree, paths.stagedTree),
      // A clone has no quota of its own.
      ...limitSteps(spec, paths.stagedTree),
      clone(from.configuration, paths.stagedConfiguration),
      ...(withData ? [clone(from.data, paths.stagedStorage)] : []),
      ...patch(paths.stagedConfiguration, patches),
      ...units.prepare,
      ...(kept?.clones ?? []),
      ...staged.map((path): Step => ({ kind: "sync", path: dirname(path) })),
      ...(kept?.sync ?? []),
    ],
    undo: [...clear, ...units.undo, ...(kept?.undo ?? [])],
    redo: swap,
  };
}

function exchange(from: string, to: string, aside: string): Step {
  return { kind: "exchange", from, to, aside };
}

function patch(configuration: string, files: readonly PatchedFile[]): Step[] {
  const { folder, secrets } = appliedPaths(configuration);
  return [
    ...[folder, secrets].map((path): Step => ({ kind: "make-directory", path, mode: 0o700 })),
    ...files.map(({ path, text, mode }): Step => ({
      kind: "write-file",
      path: join(configuration, path),
      text,
      mode,
      encoding: "latin1",
    })),
  ];
}
