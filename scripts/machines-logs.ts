import { appUnits } from "../lib/apps/app_paths.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError, usageError } from "../lib/errors.ts";
import { becomeProgram } from "../lib/host/become.ts";
import { openHost } from "../lib/host/host.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { type AppName, parseAppName } from "../lib/spec/app_name.ts";
import { type MachineName, machineUnit, parseMachineName } from "../lib/spec/machine_name.ts";
import type { MachineSpec } from "../lib/spec/machine_spec.ts";
import { checkJournalOptions } from "../lib/watch/journal_options.ts";
import { ownJournal } from "./_own_journal.ts";

const verb = defineVerb({
  name: "machines logs",
  summary: "show what a machine wrote to the journal",
  description:
    "With --json each line is one journal entry as journalctl writes it, not an answer of mbctl's own. Options of journalctl follow --, and matches like PRIORITY=3; the log stays that of the machine. Of a whole system it is the system's own journal, read by its own journalctl while it runs; --console shows what its console and systemd-nspawn wrote to that of the host.",
  reads: true,
  ownsSignals: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    app: {
      type: "string",
      value: "APP",
      kind: "app",
      parse: parseAppName,
      help: "of a whole system: what this application of it wrote, and systemd of it",
    },
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
    { command: "mbctl machines logs office --app db -f", says: "of one application" },
    {
      command: "mbctl machines logs web --since=-1h -o cat -- -p warning -r",
      says: "warnings of the last hour, the newest first",
    },
  ],
  async run(
    context,
    { name, app, console: isConsole, follow, lines, since, until, grep, output, options },
  ) {
    checkJournalOptions(options);
    if (app !== undefined && isConsole) {
      throw usageError("Cannot use --app and --console at once", "leave one of them out");
    }
    const host = openHost(context);
    requireLive(host, "read logs");
    requireMachines(host.root, [name]);
    const spec = isConsole ? undefined : (await readMachine(host, name)).spec;
    if (app !== undefined && spec !== undefined) requireApp(spec, app);
    const hasOwn = spec?.mode === "base";
    const journal = hasOwn ? await ownJournal(context, host, name) : undefined;
    if (app !== undefined && journal === undefined) throw noJournal(name, app);
    if (hasOwn && journal === undefined)
      context.log.info(`"${name}" has no journal of its own: this is the host's`);
    return becomeProgram(
      [
        ...(journal?.words ?? ["journalctl", `--unit=${machineUnit(name)}`]),
        ...(app === undefined ? [] : [`--unit=${appUnits(app).service}`]),
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

/** @throws {MbctlError} (usage) when the machine has no such application. */
function requireApp({ name, mode, apps }: MachineSpec, app: AppName): void {
  if (apps.some((one) => one.name === app)) return;
  const names = apps.map((one) => one.name);
  const none =
    mode === "base"
      ? `mbctl machines logs ${name} shows all that its journal has`
      : `mbctl machines logs ${name} shows the log of its program`;
  throw usageError(
    `Cannot read the log of the application "${app}" of "${name}": there is none of that name`,
    names.length === 0 ? none : `it has ${names.join(", ")}`,
  );
}

function noJournal(name: MachineName, app: AppName): MbctlError {
  return new MbctlError(
    "failed",
    `Cannot read the log of the application "${app}": "${name}" has no journal of its own, or kept it in memory`,
    { hint: `mbctl machines start ${name}; a folder /var/log/journal in it keeps the journal` },
  );
}

if (import.meta.main) await runScript(verb);
