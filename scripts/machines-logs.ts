import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { becomeProgram } from "../lib/host/become.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { machineUnit, parseMachineName } from "../lib/spec/machine_name.ts";
import { checkJournalOptions } from "../lib/watch/journal_options.ts";

const verb = defineVerb({
  name: "machines logs",
  summary: "show what a machine wrote to the journal",
  description:
    "With --json each line is one journal entry as journalctl writes it, not an answer of mbctl's own. Options of journalctl follow --, and matches like PRIORITY=3; the log stays that of the machine.",
  reads: true,
  ownsSignals: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    follow: { type: "boolean", short: "f", help: "go on with what is written from now on" },
    lines: { type: "integer", short: "n", value: "N", min: 0, help: "the last N lines only" },
    since: {
      type: "string",
      value: "TIME",
      help: "from then on: today, 10:00, 2026-11-22 10:00",
    },
    until: { type: "string", value: "TIME", help: "up to then" },
    grep: { type: "string", short: "g", value: "PATTERN", help: "only what matches (PCRE2)" },
    output: {
      type: "string",
      short: "o",
      value: "FORM",
      help: "the form of the lines, as journalctl names them",
      suggestions: [
        "cat",
        "short-iso",
        "short-precise",
        "verbose",
        "json",
        "json-pretty",
        "export",
      ],
    },
  },
  tail: { options: { help: "options of journalctl's own, and matches" } },
  examples: [
    { command: "mbctl machines logs web -n 20", says: "the last twenty lines" },
    { command: "mbctl machines logs web -f", says: "and all that follows, until Ctrl-C" },
    {
      command: "mbctl machines logs web --since=-1h -o cat -- -p warning -r",
      says: "warnings of the last hour, the newest first",
    },
  ],
  run(context, { name, follow, lines, since, until, grep, output, options }) {
    checkJournalOptions(options);
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
        ...(since === undefined ? [] : [`--since=${since}`]),
        ...(until === undefined ? [] : [`--until=${until}`]),
        ...(grep === undefined ? [] : [`--grep=${grep}`]),
        ...(output === undefined ? [] : [`--output=${output}`]),
        ...(context.json ? ["--output=json"] : []),
        ...options,
      ],
      process.env,
      (line) => context.log.command(line),
    );
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
