import type { VerbContext } from "../lib/cli/context.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { becomeProgram } from "../lib/host/become.ts";
import { type Host, openHost } from "../lib/host/host.ts";
import { enterMachineFiles } from "../lib/host/namespaces.ts";
import { readLeader } from "../lib/host/systemd.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { machinePaths } from "../lib/machine/paths.ts";
import { type MachineName, machineUnit, parseMachineName } from "../lib/spec/machine_name.ts";
import { checkJournalOptions } from "../lib/watch/journal_options.ts";
import { readProgramEnvironment } from "../lib/watch/machine_entry.ts";
import { hasOwnJournal, journalFiles } from "../lib/watch/system_entry.ts";

const verb = defineVerb({
  name: "machines logs",
  summary: "show what a machine wrote to the journal",
  description:
    "With --json each line is one journal entry as journalctl writes it, not an answer of mbctl's own. Options of journalctl follow --, and matches like PRIORITY=3; the log stays that of the machine. Of a whole system it is the system's own journal, read by its own journalctl while it runs; --console shows what its console and systemd-nspawn wrote to that of the host.",
  reads: true,
  ownsSignals: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    console: { type: "boolean", help: "of a whole system: the host's journal in place of its own" },
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
  async run(
    context,
    { name, console: isConsole, follow, lines, since, until, grep, output, options },
  ) {
    checkJournalOptions(options);
    const host = openHost(context);
    requireLive(host, "read logs");
    requireMachines(host.root, [name]);
    const journal = isConsole ? undefined : await ownJournal(context, host, name);
    return becomeProgram(
      [
        ...(journal?.words ?? ["journalctl", `--unit=${machineUnit(name)}`]),
        "--no-pager",
        ...(follow ? ["--follow"] : []),
        ...(lines === undefined ? [] : [`--lines=${lines}`]),
        ...(since === undefined ? [] : [`--since=${since}`]),
        ...(until === undefined ? [] : [`--until=${until}`]),
        ...(grep === undefined ? [] : [`--grep=${grep}`]),
        ...(output === undefined ? [] : [`--output=${output}`]),
        ...(context.json ? ["--output=json"] : []),
        ...options,
      ],
      journal?.environment ?? process.env,
      (line) => context.log.command(line),
    );
  },
});
export default verb;

/** How the journal of a whole system is read; undefined where there is none, and for another machine. */
async function ownJournal(
  { log, environment }: VerbContext,
  host: Host,
  name: MachineName,
): Promise<{ words: string[]; environment: Record<string, string | undefined> } | undefined> {
  const { spec } = await readMachine(host, name);
  if (spec.mode !== "base") return undefined;
  const leader = await readLeader(host.run, name);
  if (leader !== undefined) {
    if (!hasOwnJournal(leader)) return undefined;
    const own = Object.fromEntries(readProgramEnvironment(leader));
    return {
      words: [...enterMachineFiles(leader), "journalctl"],
      environment: { ...own, TERM: environment.TERM ?? "dumb" },
    };
  }
  const files = journalFiles(machinePaths(host.root, name).tree);
  if (files.length > 0) {
    const words = ["journalctl", ...files.map((file) => `--file=${file}`)];
    return { words, environment: process.env };
  }
  log.info(`"${name}" has no journal of its own: this is the host's`);
  return undefined;
}

if (import.meta.main) await runScript(verb);
