/**
 * The snapshots of a machine.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import { type MachinePaths, machinePaths } from "../paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { isLabel, type Label } from "./label.ts";
import { parseSnapshot, type Snapshot } from "./snapshot_document.ts";
import { snapshotPaths } from "./snapshot_paths.ts";

/** The labels that are taken. */
export function listLabels({ snapshots }: MachinePaths): Label[] {
  return listDirectory(snapshots.trees).filter(isLabel);
}

/**
 * All snapshots of a machine, the oldest first.
 *
 * @param onProblem told of those that cannot be read.
 */
export function readSnapshots(
  root: string,
  name: MachineName,
  onProblem: (problem: MbctlError) => void = () => {},
): Snapshot[] {
  return listLabels(machinePaths(root, name))
    .flatMap((label) => {
      try {
        return [readSnapshot(root, name, label)];
      } catch (problem) {
        if (!(problem instanceof MbctlError)) throw problem;
        onProblem(problem);
        return [];
      }
    })
    .sort((a, b) => a.createdMs - b.createdMs || a.label.localeCompare(b.label));
}

/**
 * One snapshot, by its label or the latest.
 *
 * @throws {MbctlError} (usage) when there is none; names those that there are.
 */
export function findSnapshot(root: string, name: MachineName, label: Label | undefined): Snapshot {
  const all = label === undefined ? readSnapshots(root, name) : [];
  const latest = all.at(-1);
  if (latest !== undefined) return latest;
  const paths = machinePaths(root, name);
  if (label === undefined) throw noSnapshot("a snapshot", name, listLabels(paths));
  requireSnapshots(paths, name, [label]);
  return readSnapshot(root, name, label);
}

/** @throws {MbctlError} (usage) for a label that no snapshot has; names those that there are. */
export function requireSnapshots(
  paths: MachinePaths,
  name: MachineName,
  labels: readonly Label[],
): void {
  const taken = listLabels(paths);
  const missing = labels.find((label) => !taken.includes(label));
  if (missing !== undefined) throw noSnapshot(`the snapshot "${missing}"`, name, taken);
}

function noSnapshot(what: string, name: MachineName, labels: readonly Label[]): MbctlError {
  return new MbctlError("usage", `Cannot find ${what} of "${name}": there is none`, {
    hint:
      labels.length === 0
        ? `mbctl machines snapshot ${name} makes one`
        : `there are: ${labels.join(", ")}`,
  });
}

function readSnapshot(root: string, name: MachineName, label: Label): Snapshot {
  const { document } = snapshotPaths(machinePaths(root, name), label);
  return parseSnapshot(readTextIfPresent(document) ?? "", document);
}
