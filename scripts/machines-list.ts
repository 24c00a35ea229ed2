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
    const found = await readMachines(openHost(context));
    for (const { problem } of found) if (problem !== undefined) context.log.warn(problem.message);
    const machines = found.map(summarize);
    context.out.answer({ machines }, () =>
      renderTable(
        ["NAME", "STATE", "ADDRESS", "IMAGE", "SINCE"],
        machines.map(({ name, state, health, address, image, since }) => [
          name,
          health === undefined ? state : `${state} (${health})`,
          address,
          image,
          since,
        ]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
