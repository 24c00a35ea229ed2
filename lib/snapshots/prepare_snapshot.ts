/**
 * Everything that is read and checked before a snapshot is taken.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import { MbctlError, usageError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { readMachine } from "../machine/inventory.ts";
import { machinePaths } from "../paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { type CloneCost, readCloneCost } from "./clone_cost.ts";
import { freeLabel, type Label } from "./label.ts";
import { listLabels } from "./list_snapshots.ts";
import { requireNoMounts } from "./mounts.ts";
import { type Meanwhile, planSnapshot } from "./plan_snapshot.ts";
import { readRunning } from "./running.ts";
import { stagedSnapshot } from "./snapshot_paths.ts";
import { readUnitFiles } from "./unit_files.ts";

export interface SnapshotRequest {
  readonly name: MachineName;
  /** Without one, the time. */
  readonly label: Label | undefined;
  readonly withData: boolean;
  /** What a machine that runs does meanwhile, if the user chose. */
  readonly meanwhile: Meanwhile | undefined;
}

export interface PreparedSnapshot {
  readonly label: Label;
  readonly change: Change;
  readonly cost: CloneCost;
  /** Undefined: it does not run. */
  readonly meanwhile: Meanwhile | undefined;
  /** Whether the storage folder is part of it. */
  readonly hasData: boolean;
  /** Folders of the administrator's own: never part of a snapshot. */
  readonly leftOut: readonly string[];
}

/** A copy that is larger takes so long that a machine should not stand still without a word to its peers. */
const quickCopyBytes = 256e6;

/**
 * Prepares a snapshot.
 *
 * @throws {MbctlError} (usage) when there is no such machine, (conflict) when the label is taken, something is mounted
 * in the machine's folders, or it was started by hand.
 */
export async function prepareSnapshot(
  host: Host,
  { name, label: wanted, withData, meanwhile }: SnapshotRequest,
): Promise<PreparedSnapshot> {
  const paths = machinePaths(host.root, name);
  const { spec } = await readMachine(host, name);
  const taken = listLabels(paths);
  if (wanted !== undefined && taken.includes(wanted)) {
    throw new MbctlError("conflict", `Cannot take the snapshot "${wanted}": there is one`, {
      hint: `choose another label, or first: mbctl machines forget ${name} ${wanted}`,
    });
  }
  const nowMs = Date.now();
  const label = wanted ?? freeLabel(taken, nowMs);
  const hasData = withData && nameExists(paths.storage);
  const cloned = [paths.tree, paths.configuration, ...(hasData ? [paths.storage] : [])];
  requireNoMounts(cloned, "clone");
  const staged = stagedSnapshot(paths);
  const cost = await readCloneCost(host.run, [
    { from: paths.configuration, to: staged.configuration },
    { from: paths.tree, to: staged.tree },
    ...(hasData ? [{ from: paths.storage, to: staged.data }] : []),
  ]);
  const isRunning = await readRunning(host, name, "clone");
  const [ofConfiguration, ...ofTrees] = cost.kinds;
  const isConfigurationStill = spec.volumes.every(({ kind }) => kind !== "config");
  const isOneMoment =
    ofTrees.every((kind) => kind === "snapshot") &&
    (ofConfiguration === "snapshot" || isConfigurationStill);
  if (isRunning && meanwhile === "untouched" && !isOneMoment) {
    throw usageError(
      `Cannot clone "${name}" while it runs: not all folders that it writes to are subvolumes of btrfs, and they would be copied meanwhile`,
      "leave out --live: it is frozen or stopped meanwhile",
    );
  }
  const byItself = cost.copiedBytes > quickCopyBytes ? "stopped" : "frozen";
  const chosen = isRunning ? (meanwhile ?? byItself) : undefined;
  const { image } = spec;
  const snapshot = { name, label, createdMs: nowMs, reason: "manual", image, hasData } as const;
  const change = planSnapshot({
    ...{ paths, snapshot, meanwhile: chosen ?? "untouched" },
    unitFiles: readUnitFiles(paths.unitDropInFolder),
  });
  const leftOut = spec.volumes.flatMap((volume) => (volume.kind === "host" ? [volume.source] : []));
  return { label, change, cost, meanwhile: chosen, hasData, leftOut };
}
