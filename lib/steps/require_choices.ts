/**
 * What a user chose of how a machine runs, checked with the host that it is to run on.
 *
 * @module
 */

import { checkConnectors } from "../connector/require_connectors.ts";
import { nameExists, nearestFolder } from "../host/files.ts";
import type { ImageConfig } from "../image/config.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { requireQuotas } from "../trees/disk_quota.ts";
import { requireDirectoryInside } from "../trees/root_tree.ts";
import { requireVolumeFolder } from "../trees/volume_copy.ts";
import { checkChoices } from "../render/check_choices.ts";
import { machinePaths } from "../paths.ts";
import { treeNeeds } from "../render/tree_needs.ts";

/**
 * Wants the choices to make sense, and the host to be able to do what they ask.
 *
 * @returns what works, but weaker than its user may think: for a warning each.
 * @throws {MbctlError} (usage) for what cannot be, (host) for what cannot be here.
 */
export function requireChoices(root: string, spec: MachineSpec, image: ImageConfig): string[] {
  const weaknesses = checkChoices(spec, image);
  for (const volume of [...spec.volumes, ...spec.apps.flatMap(({ volumes }) => volumes)]) {
    if (volume.kind === "host") requireVolumeFolder(volume.source);
  }
  const { tree } = machinePaths(root, spec.name);
  // A host without machines has no folder for them yet.
  if (spec.limits.disk !== undefined) requireQuotas(nearestFolder(tree));
  return [...weaknesses, ...checkConnectors(root, spec)];
}

/**
 * Wants the root tree that a machine has to take its mounts: a change that was begun must come to its end.
 *
 * @throws {MbctlError} (usage) for a path where something else is.
 */
export function requireMountPoints(root: string, spec: MachineSpec, image: ImageConfig): void {
  const { tree } = machinePaths(root, spec.name);
  if (!nameExists(tree)) return;
  for (const path of treeNeeds(spec, image).directories) requireDirectoryInside(tree, path);
}
