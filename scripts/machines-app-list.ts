import { listApps } from "../lib/apps/read_apps.ts";
import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import type { MachineSpec } from "../lib/spec/machine_spec.ts";
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
    const host = openHost(context);
    const { spec } = await readMachine(host, machine);
    const apps = await listApps(host, machine, (text) => context.log.warn(text));
    if (apps.length === 0) context.log.info(whyNone(spec));
    context.out.answer({ machine, apps }, () =>
      renderTable(
        ["NAME", "STATE", "HEALTH", "RESTARTS", "IMAGE", "PORTS"],
        apps.map(({ name, state, health, restarts, image, ports }) => [
          name,
          state,
          health,
          `${restarts}`,
          image,
          ports.join(" ") || undefined,
        ]),
      ),
    );
    return undefined;
  },
});
export default verb;

/** What to do where there are no applications. */
function whyNone({ name, mode }: MachineSpec): string {
  return mode === "base"
    ? `"${name}" has no applications: mbctl machines app add ${name} IMAGE adds one`
    : `"${name}" has no applications, for it is no whole system: its mode is "${mode}"; mbctl machines pull --mode app --base BASE IMAGE NAME makes a machine with one`;
}

if (import.meta.main) await runScript(verb);
