import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { secretsFolder } from "../lib/secrets/delivery.ts";
import { listSecrets } from "../lib/secrets/secret_store.ts";
import { formatSecretUse } from "../lib/spec/secret_toml.ts";
import { secretOperands } from "./_secret_operands.ts";

const verb = defineVerb({
  name: "secrets list",
  summary: "list a machine's secrets, without their values",
  description:
    'STATE is "set", "missing" for one that machine.toml names and nobody has set, so that the machine does not start, or "unreadable" for one that this host cannot decrypt.',
  reads: true,
  operands: { machine: secretOperands.machine },
  examples: [
    {
      command: "mbctl secrets list db",
      says: "password  set  2026-11-22  /run/secrets/password  POSTGRES_PASSWORD_FILE",
    },
  ],
  async run(context, { machine }) {
    const host = openHost(context);
    requireRoot("list secrets");
    const { spec } = await readMachine(host, machine);
    const secrets = await listSecrets(host, machine, spec.secrets);
    context.out.answer(
      {
        machine,
        secrets: secrets.map(({ name, state, setAt, use }) => ({
          name,
          state,
          setAt: setAt?.toISOString() ?? null,
          // Without an entry in machine.toml the program does not get it.
          file: use === undefined ? null : `${secretsFolder}/${name}`,
          fileVariable: use?.fileVariable ?? null,
          variable: use?.variable ?? null,
          owner: use === undefined ? null : (formatSecretUse(use).owner ?? null),
          mode: use === undefined ? null : (formatSecretUse(use).mode ?? "0400"),
        })),
      },
      () =>
        renderTable(
          ["NAME", "STATE", "SET", "FILE", "FILE VARIABLE", "VARIABLE"],
          secrets.map(({ name, state, setAt, use }) => [
            name,
            state,
            setAt?.toISOString().slice(0, 16).replace("T", " "),
            use === undefined ? "not in machine.toml" : `${secretsFolder}/${name}`,
            use?.fileVariable,
            use?.variable,
          ]),
        ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
