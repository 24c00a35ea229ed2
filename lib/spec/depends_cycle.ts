/**
 * Machines that wait for each other would never start.
 *
 * @module
 */

import type { MachineSpec } from "./machine_spec.ts";
import type { MachineName } from "./machine_name.ts";

/**
 * Finds machines that depend on each other in a circle.
 *
 * @param specs all machines that count; what depends on another one ends there.
 * @returns the machines of one circle, each before the one that it depends on, the first not repeated at the end.
 */
export function findCycle(
  specs: readonly Pick<MachineSpec, "name" | "depends">[],
): MachineName[] | undefined {
  const needs = new Map(specs.map(({ name, depends }) => [name, depends]));
  const done = new Set<MachineName>();
  const search = (name: MachineName, way: readonly MachineName[]): MachineName[] | undefined => {
    const at = way.indexOf(name);
    if (at >= 0) return way.slice(at);
    if (done.has(name)) return undefined;
    for (const needed of needs.get(name) ?? []) {
      const circle = search(needed, [...way, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of specs) {
    const circle = search(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
