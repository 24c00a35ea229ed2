/**
 * What an administrator changed by hand of what mbctl rendered.
 *
 * @module
 */

import { basename, join } from "node:path";
import { readPresentMachine } from "../change/present_machine.ts";
import { listDirectory } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { machinePaths } from "../machine/paths.ts";
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
  const dropIns = listDirectory(paths.unitDropInFolder)
    .filter((file) => file.endsWith(".conf") && file !== basename(paths.unitDropIn))
    .filter((file) => !/^\d\d-mbctl-/.test(file))
    .map((file) => join(paths.unitDropInFolder, file));
  return { isKnown: base !== undefined, files, dropIns };
}
