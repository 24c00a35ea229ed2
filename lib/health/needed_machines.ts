/**
 * The machines that others wait for when they start.
 *
 * @module
 */

import { join } from "node:path";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readUnitStates } from "../host/systemd.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { healthPaths } from "./health_paths.ts";
import { hasHealthCheck, patienceMs, readHealth } from "./read_health.ts";

type Needs = Pick<MachineSpec, "name" | "depends">;

/** All machines that must be well before these start: theirs, and those of theirs. */
export function neededMachines(
  specs: readonly Needs[],
  names: readonly MachineName[],
): MachineName[] {
  const needs = new Map(specs.map(({ name, depends }) => [name, depends]));
  const found = new Set<MachineName>();
  const add = (name: MachineName) => {
    for (const needed of needs.get(name) ?? []) {
      if (found.has(needed)) continue;
      found.add(needed);
      add(needed);
    }
  };
  for (const name of names) add(name);
  return [...found];
}

/** Orders machines that are to stop: who needs others comes before them. */
export function stopOrder(
  specs: readonly Needs[],
  names: readonly MachineName[],
): readonly MachineName[] {
  const needed = new Map(names.map((name) => [name, new Set(neededMachines(specs, [name]))]));
  const ordered: MachineName[] = [];
  for (const name of names) {
    const at = ordered.findIndex((other) => needed.get(name)?.has(other));
    ordered.splice(at < 0 ? ordered.length : at, 0, name);
  }
  return ordered;
}

/** How long these may take to become well, one after another, at the longest. */
export function readPatienceMs(root: string, needed: readonly MachineName[]): number {
  return needed
    .map((name) => readTextIfPresent(join(root, healthPaths(name).settings)))
    .reduce((sum, settings) => sum + (settings === undefined ? 0 : patienceMs(settings)), 0);
}

/** Which of these are not well, each with how it is. */
export async function findUnready(
  host: Host,
  needed: readonly MachineName[],
): Promise<{ readonly name: MachineName; readonly state: string }[]> {
  const units = await readUnitStates(host.run, needed);
  return needed.flatMap((name) => {
    const unit = units.get(name);
    if (isStopped(unit)) return [{ name, state: "not running" }];
    if (!hasHealthCheck(host.root, name)) return [];
    const state = readHealth(host.root, name, unit)?.state ?? "starting";
    return state === "healthy" ? [] : [{ name, state }];
  });
}
