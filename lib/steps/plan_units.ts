/**
 * Machines started and stopped, and started at boot: as steps.
 *
 * @module
 */

import type { UnitAction } from "../host/systemd.ts";
import { stopOrder } from "../health/needed_machines.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { readMachineSpecs } from "../machine/inventory.ts";
import { requireBridge, requireMachines, requireTree } from "../machine/lifecycle.ts";
import { machinePaths } from "../paths.ts";
import { nspawnText, readNspawn } from "../nspawn/read.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { bootTarget, noteBoot, rememberStops } from "./plan_boot.ts";
import type { Step } from "./step.ts";

/**
 * The steps of `machines start` and its kin.
 *
 * @throws {MbctlError} (host) when the bridge is missing and a machine is to be started.
 */
export function planUnits(host: Host, action: UnitAction, names: readonly MachineName[]): Step[] {
  requireMachines(host.root, names);
  const ordered = action === "stop" ? stopOrder(readMachineSpecs(host.root), names) : names;
  const units = ordered.map(machineUnit);
  if (action === "start" || action === "restart") {
    for (const name of names) requireTree(host.root, name);
    const bridges = names.flatMap((name) => bridgeOf(host.root, name) ?? []);
    for (const bridge of new Set(bridges)) requireBridge(host, bridge);
  }
  if (action === "enable") units.unshift(bootTarget);
  const { before, after } = rememberStops(host.root, action, names);
  const notes =
    action === "enable" || action === "disable"
      ? noteBoot(host.root, names, action === "enable")
      : [];
  return [...before, { kind: "unit", action, units }, ...after, ...notes];
}

/** The bridge that a machine is plugged into, by its nspawn file; undefined for none. */
function bridgeOf(root: string, name: MachineName): string | undefined {
  const text = readTextIfPresent(machinePaths(root, name).nspawn) ?? "";
  return nspawnText(readNspawn(text), "Network.Bridge");
}
