/** What the verbs that make a machine have in common: what an earlier run has left, and the last words. */

import { recoverChange } from "../lib/change/apply_change.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import type { Host } from "../lib/host/host.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { controlUnits } from "../lib/machine/lifecycle.ts";
import { type MachineName, machineUnit } from "../lib/spec/machine_name.ts";
import type { ApplyTools } from "../lib/steps/apply.ts";
import { recoverPull } from "../lib/steps/pull.ts";
import { recordEvent } from "../lib/watch/record_event.ts";

/**
 * Ends what a killed run had begun with the name; in a dry run looks at nothing.
 *
 * @returns what became of a machine that was being made.
 */
export async function endEarlierRun(
  { dryRun, log }: VerbContext,
  tools: ApplyTools,
  name: MachineName,
): ReturnType<typeof recoverPull> {
  if (dryRun) return "nothing";
  const earlier = await recoverPull(tools.host, name, tools);
  if (earlier !== "nothing") log.info(`an earlier run of "${name}" was killed: ${earlier}`);
  // Of a machine that had this name, and was being given another.
  await recoverChange(tools.host, name, tools);
  return earlier;
}

/**
 * Notes that a machine was made, prints its address, and starts it.
 *
 * @param message how it was made, for the journal: `made of docker.io/library/redis:7`.
 */
export async function announceMachine(
  { out }: VerbContext,
  host: Host,
  name: MachineName,
  message: string,
  start: boolean,
): Promise<void> {
  await recordEvent(host, { event: "pull", machine: name, message });
  const { address } = await readMachine(host, name);
  if (address !== undefined) out.print(address);
  if (start) await controlUnits(host, "start", [machineUnit(name)]);
}
