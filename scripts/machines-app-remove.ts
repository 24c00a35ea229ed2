import { prepareRemoveApp } from "../lib/apps/add_app.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { appOperand, machineOperand } from "./_app_verb.ts";
import { applyOrShow, changeTools, lockMachine } from "./_machine_change.ts";

const verb = defineVerb({
  name: "machines app remove",
  summary: "stop an application of a machine, and remove it",
  description:
    "Its units and its tree go. What it keeps in data and config volumes stays, for the next application of that name, unless --with-data is given.",
  changes: true,
  operands: { machine: machineOperand, app: appOperand },
  flags: { withData: { type: "boolean", help: "remove its data and config volumes too" } },
  examples: [{ command: "mbctl machines app remove office nginx", says: "its data stays" }],
  async run(context, { machine, app, withData }) {
    const host = openHost(context);
    requireRoot("remove applications");
    const tools = changeTools(context, host, machine);
    using _lock = context.dryRun ? undefined : await lockMachine(tools, machine);
    const warn = (text: string) => context.log.warn(text);
    const change = await prepareRemoveApp(host, machine, app, withData, warn);
    await applyOrShow(context, change, tools);
    if (context.dryRun) return undefined;
    await recordEvent(host, { event: "apply", machine, message: `application ${app} removed` });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
