import { listApps } from "../lib/apps/read_apps.ts";
import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { machineOperand } from "./_app_verb.ts";

const verb = defineVerb({
  name: "machines app list",
  summary: "list the applications of a machine, and how they are",
  description: "State and health are what the machine's own systemd says.",
  reads: true,
  operands: { machine: machineOperand },
  examples: [{ command: "mbctl machines app list office", says: "a line for each application" }],
  async run(context, { machine }) {
    requireRoot("list applications");
    const apps = await listApps(openHost(context), machine, (text) => context.log.warn(text));
    context.out.answer({ machine, apps }, () =>
      renderTable(
        ["NAME", "STATE", "HEALTH", "IMAGE", "PORTS"],
        apps.map(({ name, state, health, image, ports }) => [
          name,
          state,
          health,
          image,
          ports.join(" ") || undefined,
        ]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
