import { resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { machinePaths, secretFile } from "../lib/paths.ts";
import { readPresentMachine } from "../lib/change/present_machine.ts";
import { planUses } from "../lib/secrets/change_uses.ts";
import { secretLimitBytes } from "../lib/secrets/check_value.ts";
import { setSecretUse } from "../lib/secrets/edit_secrets.ts";
import { writeSecret } from "../lib/secrets/secret_store.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { parseSecretMode, parseSecretOwner, parseSecretVariable } from "../lib/spec/secret_use.ts";
import { changeTools, lockMachine } from "./_machine_change.ts";
import { printSteps } from "./_print_steps.ts";
import { applyUses, secretOperands } from "./_secret_operands.ts";

const verb = defineVerb({
  name: "secrets set",
  summary: "give a machine a secret",
  description: `The value comes from standard input, byte for byte, from a file, or from a question on a terminal; never from an argument, which every user of the host could read. It is encrypted with the host's TPM or its key, and lies in the machine's configuration folder.

In the machine it is the file /run/secrets/KEY, which the program's user alone may read. What the flags say is written to [[secrets]] in machine.toml; without flags, what stands there is kept. It counts from the machine's next start.`,
  changes: true,
  operands: secretOperands,
  flags: {
    file: { type: "string", value: "FILE", kind: "file", help: "take the value from a file" },
    fileVariable: {
      type: "string",
      value: "VAR",
      parse: parseSecretVariable,
      help: "a variable that gets the path of the file, such as DB_PASSWORD_FILE",
    },
    variable: {
      type: "string",
      value: "VAR",
      parse: parseSecretVariable,
      help: "a variable that gets the value itself",
    },
    owner: {
      type: "string",
      value: "UID:GID",
      parse: parseSecretOwner,
      help: "who may read the file, as the machine sees it; the program's user by default",
    },
    mode: {
      type: "string",
      value: "MODE",
      parse: parseSecretMode,
      help: "the file's mode, 0400 by default",
    },
  },
  examples: [
    { command: "mbctl secrets set db password", says: "asks for it, unseen" },
    {
      command:
        "pass show db | mbctl secrets set db password --file-variable POSTGRES_PASSWORD_FILE",
      says: "takes it from another program",
    },
    {
      command: "mbctl secrets set web tls.key --file /root/tls.key --owner 101:101",
      says: "a file, for a program that becomes user 101 by itself",
    },
  ],
  async run(context, { machine, key, file, ...flags }) {
    const host = openHost(context);
    const warn = (text: string) => context.log.warn(text);
    requireLive(host, "set secrets");
    // Before the lock is taken: who is asked may take a while.
    readPresentMachine(host, machine);
    const value = context.dryRun
      ? undefined
      : await readValue(context, `${key} of ${machine}`, file);
    const tools = changeTools(context, host, machine);
    using _lock = context.dryRun ? undefined : await lockMachine(tools, machine);
    requireMachines(host.root, [machine]);
    const { spec } = readPresentMachine(host, machine);
    const given = Object.fromEntries(
      Object.entries(flags).filter(([, value]) => value !== undefined),
    );
    const use = { name: key, ...spec.secrets.find(({ name }) => name === key), ...given };
    const change = await planUses(host, machine, (text) => setSecretUse(text, use), warn);
    if (value === undefined) {
      const target = secretFile(machinePaths(host.root, machine), key);
      context.out.print(`encrypt the value of ${key} into ${target} (600)`);
      printSteps(context, change === undefined ? [] : [...change.prepare, ...change.redo]);
      return undefined;
    }
    await writeSecret(host, machine, key, value, use);
    if (use.variable !== undefined && value.at(-1) === 0x0a) {
      context.log.info(`the value ends in a line break, which ${use.variable} will hold too`);
    }
    await applyUses(context, tools, machine, change);
    await recordEvent(host, { event: "secret", machine, message: `secret ${key} set` });
    return undefined;
  },
});
export default verb;

/** The value, from where the user has it. */
async function readValue(
  { prompt, terminals, workingDirectory }: VerbContext,
  what: string,
  file: string | undefined,
): Promise<Uint8Array> {
  if (file === undefined && terminals.stdin) {
    return Buffer.from(await prompt.hidden({ message: `Value of ${what}`, flag: "--file FILE" }));
  }
  const source =
    file === undefined || file === "-" ? Bun.stdin : Bun.file(resolve(workingDirectory, file));
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of source.stream()) {
      chunks.push(chunk);
      size += chunk.length;
      // One more than may be: enough to be refused by.
      if (size > secretLimitBytes) break;
    }
  } catch (cause) {
    throw usageError(
      `Cannot read the value of ${what} from "${file ?? "standard input"}": ${cause instanceof Error ? cause.message : cause}`,
    );
  }
  return Buffer.concat(chunks);
}

if (import.meta.main) await runScript(verb);
