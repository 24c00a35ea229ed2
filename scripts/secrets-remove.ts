import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { nameExists } from "../lib/host/files.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { machinePaths, secretFile } from "../lib/paths.ts";
import { describeStep } from "../lib/steps/step.ts";
import { planUses } from "../lib/secrets/change_uses.ts";
import { removeSecretUse } from "../lib/secrets/edit_secrets.ts";
import { notSet, removeSecret } from "../lib/secrets/secret_store.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { changeTools, lockMachine } from "./_machine_change.ts";
import { printSteps } from "./_print_steps.ts";
import { applyUses, secretOperands } from "./_secret_operands.ts";

const verb = defineVerb({
  name: "secrets remove",
  summary: "take a secret from a machine",
  description:
    "Removes the encrypted value, and [[secrets]] of that name from machine.toml. A machine that runs has it until it stops.",
  changes: true,
  operands: secretOperands,
  examples: [{ command: "mbctl secrets remove db password", says: "asks first" }],
  async run(context, { machine, key }) {
    const host = openHost(context);
    requireLive(host, "remove secrets");
    const tools = changeTools(context, host, machine);
    using _lock = context.dryRun ? undefined : await lockMachine(tools, machine);
    requireMachines(host.root, [machine]);
    const file = secretFile(machinePaths(host.root, machine), key);
    const edit = (text: string) => removeSecretUse(text, key);
    const change = await planUses(host, machine, edit, (text) => context.log.warn(text));
    if (change === undefined && !nameExists(file)) throw notSet(machine, key);
    if (context.dryRun) {
      printSteps(context, change === undefined ? [] : [...change.prepare, ...change.redo]);
      context.out.print(describeStep({ kind: "remove", path: file }));
      return undefined;
    }
    const isSure = await context.prompt.confirm({
      message: `Remove the secret "${key}" of "${machine}"?`,
      flag: "--yes",
    });
    if (!isSure) throw new MbctlError("interrupted", `Nothing was removed of "${machine}"`);
    // First the use: a machine whose secret is wanted and gone would not start.
    await applyUses(context, tools, machine, change);
    removeSecret(host, machine, key);
    await recordEvent(host, { event: "secret", machine, message: `secret ${key} removed` });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
