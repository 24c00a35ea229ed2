/**
 * One lock for each machine: two mbctl never work on one name at a time.
 *
 * @module
 */

import { type Lock, takeLock } from "../host/lock.ts";
import type { MachineName } from "./name.ts";
import { machinePaths } from "./paths.ts";

/**
 * Takes a machine's lock, without waiting.
 *
 * @throws {MbctlError} (conflict) when another mbctl holds it.
 */
export function takeMachineLock(root: string, name: MachineName): Lock {
  return takeLock(machinePaths(root, name).lock, `the machine "${name}"`);
}
