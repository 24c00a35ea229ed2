/**
 * Declarations in the order in which their machines depend on each other. Pure.
 *
 * @module
 */

import { requireNoCircle } from "../connector/check_connectors.ts";
import { usageError } from "../errors.ts";
import { readMachineSpecs } from "../machine/inventory.ts";
import { findCycle } from "../spec/depends_cycle.ts";
import type { Declared } from "./read_declarations.ts";

/**
 * Orders declarations: who is depended on comes first.
 *
 * @throws {MbctlError} (usage) for a cycle, and for a machine that is neither declared nor there.
 */
export function startOrder(root: string, declared: readonly Declared[]): Declared[] {
  const byName = new Map(declared.map((one) => [one.declaration.name, one]));
  const present = readMachineSpecs(root).filter(({ name }) => !byName.has(name));
  const all = [...declared.map(({ declaration }) => declaration), ...present];
  const names = new Set(all.map(({ name }) => name));
  for (const { file, declaration } of declared) {
    const missing = declaration.depends.find((name) => !names.has(name));
    if (missing === undefined) continue;
    throw usageError(
      `Cannot apply "${file}": "${declaration.name}" depends on "${missing}", and there is no such machine`,
      "apply its declaration in the same call, or take it out of depends",
    );
  }
  const cycle = findCycle(all);
  if (cycle !== undefined) {
    throw usageError(
      `Cannot start machines that wait for each other: ${[...cycle, ...cycle.slice(0, 1)].join(" -> ")}`,
      "take one of them out of depends",
    );
  }
  requireNoCircle(all);
  const ordered = new Set<Declared>();
  const visit = (one: Declared) => {
    if (ordered.has(one)) return;
    for (const name of one.declaration.depends) {
      const other = byName.get(name);
      if (other !== undefined) visit(other);
    }
    ordered.add(one);
  };
  for (const one of declared) visit(one);
  return [...ordered];
}
