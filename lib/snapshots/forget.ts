/**
 * Snapshots removed: on request, and those of mbctl's own making when there are many.
 *
 * @module
 */

import { applyChange, type Change } from "../change/apply_change.ts";
import type { ApplyTools } from "../steps/apply.ts";
import { machinePaths } from "../paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { Label } from "./label.ts";
import { readSnapshots } from "./list_snapshots.ts";
import type { Snapshot } from "./snapshot_document.ts";
import { snapshotPaths } from "./snapshot_paths.ts";

/** Plans the removal of snapshots. A run that is killed is completed by the next. */
export function planForget(root: string, name: MachineName, labels: readonly Label[]): Change {
  const paths = machinePaths(root, name);
  const parts = labels.flatMap((label) => {
    const { configuration, data, folder } = snapshotPaths(paths, label);
    return [configuration, data, folder];
  });
  return {
    name,
    verb: "forget",
    prepare: [],
    undo: [],
    redo: parts.map((path) => ({ kind: "remove", path })),
  };
}

/**
 * The snapshots of mbctl's own making beyond the latest `keep`, the oldest first. One of a time to come was made
 * while the clock was wrong, and before the one that was made just now: that one is the last to go. Pure.
 */
export function surplus(snapshots: readonly Snapshot[], keep: number, nowMs: number): Label[] {
  const own = snapshots.filter(({ reason }) => reason !== "manual");
  const ordered = [
    ...own.filter(({ createdMs }) => createdMs > nowMs),
    ...own.filter(({ createdMs }) => createdMs <= nowMs),
  ];
  return ordered.slice(0, Math.max(0, ordered.length - keep)).map(({ label }) => label);
}

/**
 * Removes what `snapshots_keep` of config.toml does not keep: called when a change has succeeded.
 *
 * @returns what was removed.
 */
export async function pruneSnapshots(name: MachineName, tools: ApplyTools): Promise<Label[]> {
  const { root, config } = tools.host;
  const labels = surplus(readSnapshots(root, name), config.snapshotsKeep, Date.now());
  if (labels.length > 0) await applyChange(planForget(root, name, labels), tools);
  return labels;
}
