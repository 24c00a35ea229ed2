/**
 * Where the parts of one snapshot lie.
 *
 * @module
 */

import { join } from "node:path";
import type { MachinePaths } from "../paths.ts";
import type { Label } from "./label.ts";

export interface SnapshotPaths {
  /** Holds {@linkcode tree} and {@linkcode document}. A snapshot is there when this folder is. */
  readonly folder: string;
  readonly tree: string;
  /** What is known of it: see snapshot_document.ts. */
  readonly document: string;
  /** The whole configuration folder as it was. */
  readonly configuration: string;
  /** The whole storage folder as it was; only of a snapshot with data. */
  readonly data: string;
}

/** The paths of a snapshot. */
export function snapshotPaths(machine: MachinePaths, label: Label): SnapshotPaths {
  return pathsOf(machine, label);
}

/** The hidden names under which the next snapshot is prepared. */
export function stagedSnapshot(machine: MachinePaths): SnapshotPaths {
  return pathsOf(machine, ".mbctl-new");
}

function pathsOf({ snapshots }: MachinePaths, name: string): SnapshotPaths {
  const folder = join(snapshots.trees, name);
  return {
    folder,
    tree: join(folder, "tree"),
    document: join(folder, "snapshot.json"),
    configuration: join(snapshots.configurations, name),
    data: join(snapshots.storage, name),
  };
}
