import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { connectorUsers } from "../lib/connector/check_connectors.ts";
import { readConnectors } from "../lib/connector/require_connectors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { requireMachines } from "../lib/machine/lifecycle.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";

const verb = defineVerb({
  name: "connector list",
  summary: "list which machine lends which commands, and to whom",
  description:
    "With a machine: the connectors that it was given, and what it lends itself. One that lends nothing, or is gone, has no commands.",
  reads: true,
  operands: {
    machine: {
      kind: "machine",
      help: "the machine; all without",
      parse: parseMachineName,
      optional: true,
    },
  },
  examples: [{ command: "mbctl connector list web", says: "db  psql  web" }],
  async run(context, { machine }) {
    const host = openHost(context);
    requireRoot("list connectors");
    if (machine !== undefined) requireMachines(host.root, [machine]);
    const machines = readConnectors(host.root);
    const given = machines.find(({ name }) => name === machine)?.connectors ?? [];
    const names = new Set([
      ...machines.filter(({ lends }) => lends.length > 0).map(({ name }) => name),
      ...machines.flatMap(({ connectors }) => connectors),
    ]);
    const connectors = [...names]
      .filter((name) => machine === undefined || name === machine || given.includes(name))
      .sort()
      .map((name) => ({
        name,
        commands: machines.find((one) => one.name === name)?.lends ?? [],
        machines: connectorUsers(machines, name),
      }));
    context.out.answer({ connectors }, () =>
      renderTable(
        ["NAME", "COMMANDS", "MACHINES"],
        connectors.map(({ name, commands, machines: users }) => [
          name,
          commands.join(" ") || undefined,
          users.join(" ") || undefined,
        ]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
