/**
 * Everything that is read and checked before a machine's root tree is made anew.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import type { Host } from "../host/host.ts";
import { findBusybox } from "../host/busybox.ts";
import type { MachineImage } from "../image/found_image.ts";
import { machinePaths } from "../paths.ts";
import { type TreeFitting, treeFitting, type TreeSource } from "../steps/plan_tree.ts";
import { readMachineFacts } from "../steps/pull.ts";
import { treeNeeds } from "../render/tree_needs.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import type { Label } from "./label.ts";
import { requireNoMounts } from "./mounts.ts";
import { planReset } from "./plan_reset.ts";
import { presentSnapshot } from "./prepare_rollback.ts";
import { readRunning } from "./running.ts";
import { readUnitFiles } from "./unit_files.ts";

export interface ResetRequest {
  readonly spec: MachineSpec;
  /** The image that the machine was made of. */
  readonly found: MachineImage;
  readonly tree: TreeSource;
  /** Whether the present tree is removed instead of kept. */
  readonly discard: boolean;
}

export interface PreparedReset {
  /** What the present state is kept as. */
  readonly kept: Label | undefined;
  readonly change: Change;
  readonly isRunning: boolean;
}

/**
 * Prepares a reset.
 *
 * @throws {MbctlError} (conflict) when the machine was started by hand, (host) without a busybox.
 */
export async function prepareReset(
  host: Host,
  { spec, found, tree, discard }: ResetRequest,
): Promise<PreparedReset> {
  const { name } = spec;
  const paths = machinePaths(host.root, name);
  requireNoMounts([paths.tree], "move");
  const isRunning = await readRunning(host, name, "reset");
  const keep = discard ? undefined : presentSnapshot(host.root, name, spec.image, "reset", false);
  const change = planReset({
    root: host.root,
    ...{ paths, spec, tree, keep, isLive: host.isLive, isRunning },
    fitting: await readFitting(host, spec, found),
    unitFiles: readUnitFiles(paths.unitDropInFolder),
  });
  return { kept: keep?.label, change, isRunning };
}

/** The network of a whole system stands in its tree, where it has no networkd; no other tree knows of the host. */
async function readFitting(
  host: Host,
  spec: MachineSpec,
  { config }: MachineImage,
): Promise<TreeFitting> {
  const needs = treeNeeds(spec, config);
  if (spec.mode !== "base") return { kind: "init", busybox: await findBusybox(host), needs };
  const facts = await readMachineFacts(host, spec.name, spec, spec.ipv4, () => {});
  return treeFitting(spec, facts, needs);
}
