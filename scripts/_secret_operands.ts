/** What the verbs of secrets have in common. */

import type { VerbContext } from "../lib/cli/context.ts";
import { applyChange, type Change } from "../lib/change/apply_change.ts";
import { isStopped, readUnitStates } from "../lib/host/systemd.ts";
import type { ApplyTools } from "../lib/steps/apply.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import { parseSecretName } from "../lib/spec/secret_use.ts";

/** The operands MACHINE and KEY. */
export const secretOperands = {
  machine: { kind: "machine", help: "the machine", parse: parseMachineName },
  key: { kind: "text", help: "the secret's name", parse: parseSecretName },
} as const;

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
