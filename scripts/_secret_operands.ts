/** What the verbs of secrets have in common. */

import type { VerbContext } from "../lib/cli/context.ts";
import { applyChange, type Change, recoverChange } from "../lib/change/apply_change.ts";
import type { Host } from "../lib/host/host.ts";
import { isStopped, readUnitStates } from "../lib/host/systemd.ts";
import type { ApplyTools } from "../lib/steps/apply.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import { parseSecretName } from "../lib/spec/secret_use.ts";

/** The operands MACHINE and KEY. */
export const secretOperands = {
  machine: { kind: "machine", help: "the machine", parse: parseMachineName },
  key: { kind: "text", help: "the secret's name", parse: parseSecretName },
} as const;

/** What applies a change of one machine. */
export function changeTools(context: VerbContext, host: Host, machine: MachineName): ApplyTools {
  return {
    host,
    machine,
    signal: context.signal,
    onStep: (text) => context.log.debug(text),
    onWarning: (text) => context.log.warn(text),
  };
}

/** Takes a machine's lock, and ends what a killed run had begun with it. */
export async function lockMachine(tools: ApplyTools, machine: MachineName): Promise<Disposable> {
  const lock = takeMachineLock(tools.host.root, machine);
  await recoverChange(tools.host, machine, tools);
  return lock;
}

/** Applies a change, if there is one, and says of a machine that runs when it counts. */
export async function applyUses(
  context: VerbContext,
  tools: ApplyTools,
  machine: MachineName,
  change: Change | undefined,
): Promise<void> {
  if (change !== undefined) await applyChange(change, tools);
  const state = (await readUnitStates(tools.host.run, [machine])).get(machine);
  if (!isStopped(state)) context.log.info(`"${machine}" runs: this counts from its next start`);
}
