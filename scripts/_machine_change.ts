/** A change of one machine, as verbs carry it out: what with, under which lock, or only shown. */

import { applyChange, type Change, recoverChange } from "../lib/change/apply_change.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import type { Host } from "../lib/host/host.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import type { MachineName } from "../lib/spec/machine_name.ts";
import type { ApplyTools, ImageTools } from "../lib/steps/apply.ts";
import { printSteps } from "./_print_steps.ts";

/**
 * What steps of one machine are carried out with.
 *
 * @param appImages images of its applications, by the digests of their manifests.
 */
export function changeTools(
  { log, signal }: VerbContext,
  host: Host,
  machine: MachineName,
  appImages?: ReadonlyMap<string, ImageTools>,
): ApplyTools {
  return {
    ...{ host, machine, appImages, signal },
    onStep: (text) => log.debug(text),
    onWarning: (text) => log.warn(text),
  };
}

/** Takes a machine's lock, and ends what a killed run had begun with it. */
export async function lockMachine(tools: ApplyTools, machine: MachineName): Promise<Disposable> {
  const lock = takeMachineLock(tools.host.root, machine);
  await recoverChange(tools.host, machine, tools);
  return lock;
}

/** Carries a change out; in a dry run shows it. */
export async function applyOrShow(
  context: VerbContext,
  change: Change,
  tools: ApplyTools,
): Promise<void> {
  if (context.dryRun) return printSteps(context, [...change.prepare, ...change.redo]);
  await applyChange(change, tools);
}
