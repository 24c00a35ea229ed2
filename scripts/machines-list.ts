import { appWords } from "../lib/apps/app_list.ts";
import { readAllApps } from "../lib/apps/read_apps.ts";
import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { readMachines } from "../lib/machine/inventory.ts";
import { summarize } from "../lib/machine/summary.ts";

const verb = defineVerb({
  name: "machines list",
  summary: "list machines with state, address and image",
  reads: true,
  examples: [
    { command: "mbctl machines list", says: "one line a machine" },
    { command: "mbctl machines list --json", says: "the same for scripts" },
  ],
  async run(context) {
    const host = openHost(context);
    const found = await readMachines(host);
    for (const { problem } of found) if (problem !== undefined) context.log.warn(problem.message);
    const apps = await readAllApps(host, found, (text) => context.log.warn(text));
    const hasApps = apps.size > 0;
    const machines = found.map((machine) => ({
      ...summarize(machine),
      apps: apps.get(machine.name) ?? [],
    }));
    context.out.answer({ machines }, () =>
      renderTable(
        ["NAME", "STATE", "ADDRESS", "IMAGE", "SINCE", ...(hasApps ? ["APPS"] : [])],
        machines.map(({ name, state, health, address, image, since, apps: own }) => [
          name,
          health === undefined ? state : `${state} (${health})`,
          address,
          image,
          since,
          ...(hasApps ? [own.map(appWords).join(", ") || undefined] : []),
        ]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
