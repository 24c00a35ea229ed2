import { renderJsonLine } from "../lib/cli/json.ts";
import { runScript } from "../lib/cli/main.ts";
import { style } from "../lib/cli/terminal.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { listMachineNames } from "../lib/machine/inventory.ts";
import { requireLive } from "../lib/machine/lifecycle.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { readEvent } from "../lib/watch/machine_event.ts";
import { eventMatches, readJournal } from "../lib/watch/read_journal.ts";

const verb = defineVerb({
  name: "machines events",
  summary: "show what happened to machines",
  description:
    "What mbctl did to them, how their health changed, and what systemd says of their starts and ends: all from the journal. Without names the starts and ends are those of the machines that there are.\n\nWith --json each line is an object: time (ISO 8601, UTC), machine, event, source (mbctl or systemd), message, and fields, whose values are texts. Events of systemd are start, stop, exit (fields exitCode: exited, killed or dumped, and exitStatus), fail (result), restart and oom.",
  reads: true,
  operands: {
    names: {
      kind: "machine",
      help: "the machines; also one that is gone",
      label: "NAME",
      optional: true,
      repeat: true,
      parse: parseMachineName,
    },
  },
  flags: {
    since: {
      type: "string",
      value: "TIME",
      help: "from then on: today, 10:00, 2026-11-22 10:00",
    },
    until: { type: "string", value: "TIME", help: "up to then" },
    lines: { type: "integer", short: "n", value: "N", min: 0, help: "the last N only" },
    follow: { type: "boolean", short: "f", help: "go on with what happens from now on" },
  },
  examples: [
    {
      command: "mbctl machines events web --since today",
      says: "a day in the life of one machine",
    },
    {
      command: "mbctl machines events -f --json",
      says: "every event as it happens, for a program",
    },
  ],
  async run(context, { names = [], since, until, lines, follow }) {
    const host = openHost(context);
    requireLive(host, "read events");
    const machines = names.length === 0 ? undefined : names;
    // systemd notes the starts of all units: of what was, only those of machines are looked for.
    const units = machines ?? (follow ? undefined : listMachineNames(host.root));
    const words = [
      ...(since === undefined ? [] : [`--since=${since}`]),
      ...(until === undefined ? [] : [`--until=${until}`]),
      ...(lines === undefined ? [] : [`--lines=${lines}`]),
      ...(follow ? ["--follow"] : []),
      ...eventMatches(units, machines),
    ];
    for await (const entry of readJournal(host, words)) {
      const event = readEvent(entry);
      if (event === undefined) continue;
      if (context.json) context.out.write(renderJsonLine(event));
      else {
        const { time, machine, event: what, message } = event;
        context.out.print(`${style("dim", time)}  ${machine}  ${what}  ${message}`);
      }
    }
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
