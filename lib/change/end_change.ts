/**
 * What a killed run has left of a change is ended by whoever touches the machine next.
 *
 * @module
 */

import type { ApplyTools } from "../steps/apply.ts";
import { pendingWork } from "../machine/inventory.ts";
import { takeMachineLock } from "../machine/lock.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { recoverChange } from "./apply_change.ts";

/**
 * Ends changes that were not ended, of machines whose lock we do not hold.
 *
 * @param onEnd told of each, and how it ended.
 * @throws {MbctlError} (conflict) while another mbctl works on it.
 */
export async function endChanges(
  names: readonly MachineName[],
  tools: ApplyTools,
  onEnd: (name: MachineName, outcome: string) => void,
): Promise<void> {
  const { host } = tools;
  for (const name of names) {
    if (pendingWork(host.root, name) !== "change") continue;
    using _lock = takeMachineLock(host.root, name);
    const outcome = await recoverChange(host, name, { ...tools, machine: name });
    if (outcome !== "nothing") onEnd(name, outcome);
  }
}
