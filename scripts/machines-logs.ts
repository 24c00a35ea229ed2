import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { becomeProgram } from "../lib/host/become.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { machineUnit, parseMachineName } from "../lib/machine/name.ts";

const verb = defineVerb({
  name: "machines logs",
  summary: "show what a machine wrote to the journal",
  description:
    "With --json each line is one journal entry as journalctl writes it, not an answer of mbctl's own.",
  reads: true,
  ownsSignals: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    follow: { type: "boolean", short: "f", help: "go on with what is written from now on" },
    lines: { type: "integer", short: "n", value: "N", min: 0, help: "the last N lines only" },
  },
  examples: [
    { command: "mbctl machines logs web -n 20", says: "the last twenty lines" },
    { command: "mbctl machines logs web -f", says: "and all that follows, until Ctrl-C" },
  ],
  run(context, { name, follow, lines }) {
    const host = openHost(context);
    requireLive(host, "read logs");
    requireMachines(host.root, [name]);
    return becomeProgram(
      [
        "journalctl",
        "--no-pager",
        `--unit=${machineUnit(name)}`,
        ...(follow ? ["--follow"] : []),
        ...(lines === undefined ? [] : [`--lines=${lines}`]),
        ...(context.json ? ["--output=json"] : []),
      ],
      process.env,
      (line) => context.log.command(line),
    );
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
