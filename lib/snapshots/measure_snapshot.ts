/**
 * How much room a snapshot takes.
 *
 * @module
 */

import { nameExists } from "../host/files.ts";
import type { MachinePaths } from "../paths.ts";
import { type TreeSize, treeSize } from "../trees/tree_size.ts";
import { snapshotPaths } from "./snapshot_paths.ts";
import type { Snapshot } from "./snapshot_document.ts";

/** Measures all parts of a snapshot. */
export function measureSnapshot(paths: MachinePaths, { label }: Pick<Snapshot, "label">): TreeSize {
  const { folder, configuration, data } = snapshotPaths(paths, label);
  const sizes = [folder, configuration, data].filter(nameExists).map(treeSize);
  return {
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    ownBytes: sizes.reduce((sum, { ownBytes }) => sum + ownBytes, 0),
  };
}
