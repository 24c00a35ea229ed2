/**
 * The names of the units that check a machine's health. `_` stands before the machine's name: no name holds one.
 *
 * @module
 */

import { isMachineName, type MachineName } from "../spec/machine_name.ts";

/** Checks a machine once; without `.service` and `.timer`. */
export function healthUnit(name: MachineName): string {
  return `mbctl-health_${name}`;
}

/** Its start ends when a machine is well; of one without a health check, when that is started. */
export function healthyUnit(name: MachineName): string {
  return `mbctl-healthy_${name}.service`;
}

/** The machine that a unit file belongs to; undefined when it is none of ours. */
export function healthMachine(fileName: string): MachineName | undefined {
  const found = /^mbctl-(?:health_([^_@]+)\.(?:service|timer)|healthy_([^_@]+)\.service)$/.exec(
    fileName,
  );
  const name = found?.[1] ?? found?.[2] ?? "";
  return isMachineName(name) ? name : undefined;
}
