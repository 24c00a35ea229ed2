import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { changeConnectors, connectorOperands } from "./_connector_verb.ts";

const verb = defineVerb({
  name: "connector remove",
  summary: "take a connector from a machine",
  description:
    "It counts at once: commands that MACHINE runs in NAME are ended. It is taken out of connectors in machine.toml.",
  changes: true,
  operands: { ...connectorOperands, name: { ...connectorOperands.name, kind: "connector" } },
  examples: [{ command: "mbctl connector remove web db", says: "web runs nothing in db any more" }],
  async run(context, { machine, name }) {
    const host = openHost(context);
    await changeConnectors(context, host, machine, `connector ${name} removed`, (present) => {
      if (present.includes(name)) return present.filter((one) => one !== name);
      throw usageError(
        `Cannot take the connector "${name}" from "${machine}": it has no such connector`,
        present.length === 0 ? "it has none" : `it has ${present.join(", ")}`,
      );
    });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
