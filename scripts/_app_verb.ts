/** What the verbs of applications have in common. */

import type { VerbContext } from "../lib/cli/context.ts";
import { applyChange, type Change, recoverChange } from "../lib/change/apply_change.ts";
import type { Host } from "../lib/host/host.ts";
import type { ApplyTools, ImageTools } from "../lib/steps/apply.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { describeStep } from "../lib/steps/step.ts";
import { parseAppName } from "../lib/spec/app_name.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";

export const machineOperand = {
  kind: "machine",
  help: "the machine: a whole system",
  parse: parseMachineName,
} as const;

export const appOperand = { kind: "text", help: "the application", parse: parseAppName } as const;

/** What applies changes of one machine. */
export function appTools(
  { log, signal }: VerbContext,
  host: Host,
  machine: MachineName,
  appImages?: ReadonlyMap<string, ImageTools>,
): ApplyTools {
  return {
    host,
    machine,
    appImages,
    signal,
    onStep: (text) => log.debug(text),
    onWarning: (text) => log.warn(text),
  };
}

/** Takes a machine's lock, and ends what a killed run had begun with it. */
export async function lockForApps(tools: ApplyTools, machine: MachineName): Promise<Disposable> {
  const lock = takeMachineLock(tools.host.root, machine);
  await recoverChange(tools.host, machine, tools);
  return lock;
}

/** Applies a change, or shows it. */
export async function applyOrShow(
  { dryRun, out }: VerbContext,
  change: Change,
  tools: ApplyTools,
): Promise<void> {
  if (!dryRun) return void (await applyChange(change, tools));
  for (const step of [...change.prepare, ...change.redo]) out.print(describeStep(step));
}
