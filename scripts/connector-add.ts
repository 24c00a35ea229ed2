import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { connectorsInMachine } from "../lib/paths.ts";
import { hasConnectorsMounted } from "../lib/connector/mounted_connectors.ts";
import { requireConnectors } from "../lib/connector/require_connectors.ts";
import { openHost } from "../lib/host/host.ts";
import { readLeader } from "../lib/host/systemd.ts";
import { changeConnectors, connectorOperands } from "./_connector_verb.ts";

const verb = defineVerb({
  name: "connector add",
  summary: "let a machine run the commands that another one lends",
  description: `What NAME lends is then /connectors/NAME/COMMAND in MACHINE: with its own standard input, output and error, and the command's exit code, as if it were local, and with no other right in NAME. It is written to connectors in machine.toml.

It counts at once; the first connector of a machine that runs from its next start, for its folder has to be mounted.`,
  changes: true,
  operands: connectorOperands,
  examples: [
    { command: "mbctl connector add web db", says: "web runs /connectors/db/psql from now on" },
  ],
  async run(context, { machine, name }) {
    const host = openHost(context);
    const plan = await changeConnectors(
      context,
      host,
      machine,
      `connector ${name} added`,
      (present) => {
        const wanted = present.includes(name) ? present : [...present, name];
        requireConnectors(host.root, machine, wanted);
        return wanted;
      },
    );
    if (plan === undefined || plan.restart.length === 0) return undefined;
    // One whose last connector was taken away meanwhile has the folder.
    if (hasConnectorsMounted(host.root, machine, await readLeader(host.run, machine)))
      return undefined;
    context.log.info(
      `"${machine}" runs: ${connectorsInMachine} is there from its next start, as this is its first connector`,
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
