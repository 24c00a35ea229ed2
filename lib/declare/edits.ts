/**
 * What an administrator changed by hand of what mbctl rendered.
 *
 * @module
 */

import { editedDropIns, readPresentMachine } from "../change/present_machine.ts";
import type { Host } from "../host/host.ts";
import { machinePaths } from "../paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { diffFiles, type FileDiff } from "./show_files.ts";

export interface Edits {
  /** False for a machine of an older mbctl: nobody can say what was edited. */
  readonly isKnown: boolean;
  readonly files: readonly FileDiff[];
  /** Drop-ins of the unit that mbctl did not write. */
  readonly dropIns: readonly string[];
}

/** @throws {MbctlError} (usage) when there is no such machine. */
export function readEdits(host: Host, name: MachineName): Edits {
  const paths = machinePaths(host.root, name);
  const { base, ours, appliedToml, machineToml } = readPresentMachine(host, name);
  const files =
    base === undefined || appliedToml === undefined
      ? []
      : diffFiles(paths, { ...base, machineToml: appliedToml }, { ...ours, machineToml });
  const dropIns = editedDropIns(host, name).filter((path) => path !== paths.unitDropIn);
  return { isKnown: base !== undefined, files, dropIns };
}
