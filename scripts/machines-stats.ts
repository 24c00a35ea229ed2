import { runScript } from "../lib/cli/main.ts";
import { renderJsonLine } from "../lib/cli/json.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { listMachineNames } from "../lib/machine/inventory.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { parseDuration } from "../lib/spec/duration.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { readDiskUse, readSamples } from "../lib/watch/read_stats.ts";
import { type MachineStats, toStats } from "../lib/watch/stats.ts";
import { statsHeadings, statsRow } from "./_stats_table.ts";

const verb = defineVerb({
  name: "machines stats",
  summary: "show processor, memory, network and disk use",
  description:
    "The processor's share is measured over the interval, memory and tasks are those of now, all else counts since the machine's start. Without names it shows the machines that run. A dash is a figure that the host does not count.",
  reads: true,
  operands: {
    names: {
      kind: "machine",
      help: "the machines; all that run by default",
      label: "NAME",
      optional: true,
      repeat: true,
      parse: parseMachineName,
    },
  },
  flags: {
    follow: {
      type: "boolean",
      short: "f",
      help: "go on until Ctrl-C; with --json a line each time",
    },
    interval: {
      type: "string",
      value: "TIME",
      help: "how long to measure",
      default: "1s",
      parse: parseDuration,
    },
    disk: { type: "boolean", help: "also what root tree and storage take on disk: reads them all" },
  },
  examples: [
    { command: "mbctl machines stats", says: "all that run, measured for a second" },
    { command: "mbctl machines stats web --disk --json", says: "one machine, for scripts" },
    { command: "mbctl machines stats -f --interval 5s", says: "again every five seconds" },
  ],
  async run(context, { names, follow, interval, disk }) {
    const host = openHost(context);
    requireLive(host, "read figures of machines");
    requireMachines(host.root, names ?? []);
    const take = async () =>
      await readSamples(
        host,
        names !== undefined && names.length > 0 ? names : listMachineNames(host.root),
      );
    let before = await take();
    for (let lines = 0; ;) {
      await Bun.sleep(interval);
      context.signal.throwIfAborted();
      const after = await take();
      const stats: MachineStats[] = [];
      for (const sample of after) {
        const isNamed = names !== undefined && names.length > 0;
        if (!isNamed && sample.state !== "running") continue;
        const earlier = before.find(({ name }) => name === sample.name);
        const space = disk ? await readDiskUse(host, sample.name) : {};
        stats.push({ ...toStats(earlier, sample), ...space });
      }
      before = after;
      const table = () =>
        renderTable(
          statsHeadings(disk),
          stats.map((machine) => statsRow(machine, disk)),
        );
      if (!follow) {
        context.out.answer({ machines: stats }, table);
        return undefined;
      }
      if (context.json) context.out.write(renderJsonLine({ machines: stats }));
      else {
        // On a terminal the table stands where the last one stood.
        if (context.terminals.stdout && lines > 0) context.out.write(`\x1b[${lines}A\x1b[J`);
        const text = table();
        context.out.print(text.trimEnd());
        lines = text.split("\n").length - 1;
      }
    }
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
