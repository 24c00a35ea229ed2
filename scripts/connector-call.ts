import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { callConnector } from "../lib/calls/client.ts";
import { pairFolder, socketName } from "../lib/connector/connector_paths.ts";
import { readConnectors } from "../lib/connector/require_connectors.ts";
import { connectorUnit, hostCaller } from "../lib/connector/unit_names.ts";
import { MbctlError } from "../lib/errors.ts";
import { nameExists } from "../lib/host/files.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { join } from "node:path";

const verb = defineVerb({
  name: "connector call",
  summary: "run a command that a machine lends",
  description:
    "As a machine does that was given the connector: our standard input, output and error are the command's, a terminal too, and its exit code is ours, 128 and the number of the signal that ended it. The machine is started where it does not run.",
  ownsSignals: true,
  operands: {
    name: { kind: "machine", help: "the machine that lends", parse: parseMachineName },
    command: { kind: "lent-command", help: "the command" },
    words: { kind: "text", help: "words for it", label: "WORD", repeat: true, optional: true },
  },
  tail: { args: { help: "words for it that begin with a dash" } },
  examples: [
    { command: "mbctl connector call web nginx -- -t", says: "nginx: configuration is ok" },
    { command: "mbctl connector call db psql < dump.sql", says: "its input is ours" },
  ],
  async run(context, { name, command, words, args }) {
    const host = openHost(context);
    requireLive(host, "call commands of machines");
    requireMachines(host.root, [name]);
    const socket = join(pairFolder(host.root, hostCaller, name), socketName);
    if (!nameExists(socket)) {
      const { lends = [] } = readConnectors(host.root).find((one) => one.name === name) ?? {};
      if (lends.length === 0) {
        throw new MbctlError("conflict", `Cannot call a command of "${name}": it lends none`, {
          hint: `mbctl machines edit ${name}, and write: lend = { COMMAND = ["/path/to/PROGRAM"] }`,
        });
      }
      const unit = `${connectorUnit(hostCaller, name)}.socket`;
      await host.run(["systemctl", "start", "--", unit], { timeoutMs: 60_000 });
    }
    return await callConnector(socket, [command, ...words, ...args]);
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
