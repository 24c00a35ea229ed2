/**
 * Whether a machine that runs has its folder of connectors mounted: by its first connector it gets it at a start, and has it
 * until it stops, whatever is taken away meanwhile.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import type { MachineName } from "../spec/machine_name.ts";
import { connectorsInMachine } from "../paths.ts";
import { callerFolder } from "./connector_paths.ts";

/**
 * @param root where the host's file system begins.
 * @param leader the host's number of the machine's process 1; undefined: it does not run.
 */
export function hasConnectorsMounted(
  root: string,
  client: MachineName,
  leader: number | undefined,
): boolean {
  if (leader === undefined) return false;
  // Both are one folder then. No link of the machine's is followed, and one that has just ended has nothing.
  const [own, seen] = [
    callerFolder(root, client),
    `/proc/${leader}/root${connectorsInMachine}`,
  ].map((path) => lstatSync(path, { throwIfNoEntry: false }));
  return own?.isDirectory() === true && own.dev === seen?.dev && own.ino === seen.ino;
}
