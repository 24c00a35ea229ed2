/**
 * A machine's present state kept as a snapshot, as a part of a change. Pure.
 *
 * @module
 */

import { dirname } from "node:path";
import type { ChangePart } from "../change/plan_files.ts";
import { appliedPaths, type MachinePaths } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import { formatSnapshot, type Snapshot } from "./snapshot_document.ts";
import { type SnapshotPaths, snapshotPaths, stagedSnapshot } from "./snapshot_paths.ts";
import { keepUnitFiles, type UnitFile } from "./plan_unit_files.ts";

export interface KeepCurrent {
  readonly paths: MachinePaths;
  readonly snapshot: Snapshot;
  /** "none": the change itself puts it there, by `exchange`. */
  readonly tree: "clone" | "none";
  readonly configuration: "clone" | "none";
  readonly data?: "clone" | "none" | undefined;
  /** The drop-ins of the unit, as they are. */
  readonly unitFiles: readonly UnitFile[];
}

/** `prepare`, then `clones`, then `sync` prepare the snapshot. */
export interface KeptCurrent extends ChangePart {
  readonly paths: SnapshotPaths;
  /** They read what the machine writes, which must stop or stand still meanwhile. */
  readonly clones: readonly Step[];
  /** All of it lies on the disk. */
  readonly sync: readonly Step[];
}

/** Plans that a machine's present state becomes a snapshot, as a part of a change. */
export function keepCurrent(request: KeepCurrent): KeptCurrent {
  const { paths, snapshot, tree, configuration, data, unitFiles } = request;
  const [staged, final] = [stagedSnapshot(paths), snapshotPaths(paths, snapshot.label)];
  const clone = (from: string, to: string): Step => ({ kind: "clone-tree", from, tree: to });
  const settle = (from: string, to: string): Step => ({ kind: "settle", from, to });
  const isCopied = configuration === "clone";
  const folders = [
    dirname(staged.folder),
    dirname(staged.configuration),
    ...(data === undefined ? [] : [dirname(staged.data)]),
  ];
  return {
    paths: final,
    prepare: [
      ...folders.map((path): Step => ({ kind: "make-directory", path, mode: 0o700 })),
      ...clearStagedSnapshot(paths),
      ...clearOld(paths),
      { kind: "make-directory", path: staged.folder, mode: 0o700 },
      { kind: "write-file", path: staged.document, text: formatSnapshot(snapshot), mode: 0o600 },
    ],
    clones: [
      ...(tree === "clone" ? [clone(paths.tree, staged.tree)] : []),
      ...(data === "clone" ? [clone(paths.storage, staged.data)] : []),
      ...(isCopied ? [clone(paths.configuration, staged.configuration)] : []),
      ...keepUnitFiles(
        appliedPaths(isCopied ? staged.configuration : paths.configuration).units,
        unitFiles,
      ),
    ],
    sync: folders.map((path): Step => ({ kind: "sync", path })),
    undo: clearStagedSnapshot(paths),
    redo: [
      ...(isCopied ? [settle(staged.configuration, final.configuration)] : []),
      ...(data === "clone" ? [settle(staged.data, final.data)] : []),
      settle(staged.folder, final.folder),
    ],
  };
}

/** What a run that was killed has left of a snapshot. */
function clearStagedSnapshot(paths: MachinePaths): Step[] {
  const { folder, configuration, data } = stagedSnapshot(paths);
  return [folder, configuration, data].map((path): Step => ({ kind: "remove", path }));
}

/** What a change took away. */
export function clearOld({ oldTree, oldConfiguration, oldStorage }: MachinePaths): Step[] {
  return [oldTree, oldConfiguration, oldStorage].map((path): Step => ({ kind: "remove", path }));
}
