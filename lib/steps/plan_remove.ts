/**
 * Removing a machine: everything of it, in an order in which a killed run
 * leaves a machine that cannot be started and whose rest is known by name.
 *
 * @module
 */

import type { MachineName } from "../spec/machine_name.ts";
import { machinePaths } from "../paths.ts";
import { clearStaged } from "./plan_pull.ts";
import type { Step } from "./step.ts";

/**
 * The steps that clear a machine. All of them may be repeated: a run that was
 * killed is completed by the same plan.
 *
 * @param isLive whether systemd runs on this root, and has to be told.
 * @param pullMarker the text of the marker of a pull that was not ended, if there is one.
 */
export function planRemove(
  root: string,
  name: MachineName,
  isLive: boolean,
  pullMarker?: string,
): Step[] {
  const paths = machinePaths(root, name);
  const remove = (path: string): Step => ({ kind: "remove", path });
  return [
    { kind: "write-file", path: paths.removeMarker, text: "", mode: 0o600 },
    remove(paths.bootLink),
    remove(paths.machineLink),
    remove(paths.nspawnLink),
    remove(paths.unitDropInFolder),
    ...(isLive ? [{ kind: "reload-systemd" } as const] : []),
    remove(paths.tree),
    remove(paths.storage),
    remove(paths.configuration),
    ...Object.values(paths.snapshots).map(remove),
    { kind: "derive-host", isForgiving: true },
    // What a change has left that was not ended.
    ...[paths.stagedTree, paths.stagedStorage, paths.stagedConfiguration].map(remove),
    ...[paths.oldTree, paths.oldStorage, paths.oldConfiguration].map(remove),
    remove(paths.changeMarker),
    ...(pullMarker === undefined ? [] : clearStaged(paths, pullMarker)),
    remove(paths.removeMarker),
  ];
}
