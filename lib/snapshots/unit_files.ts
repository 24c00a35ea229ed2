/**
 * Reads the drop-ins of a machine's unit.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import { join } from "node:path";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import type { UnitFile } from "./plan_unit_files.ts";

/** The drop-ins in a folder, by name: of the unit itself, or a copy. Links and hidden files are left out. */
export function readUnitFiles(folder: string): UnitFile[] {
  return listDirectory(folder)
    .filter((name) => name.endsWith(".conf") && !name.startsWith("."))
    .filter((name) => lstatSync(join(folder, name)).isFile())
    .map((name) => ({ name, text: readTextIfPresent(join(folder, name), "latin1") ?? "" }));
}
