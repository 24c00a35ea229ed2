import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { parseLabel } from "../lib/snapshots/label.ts";
import { prepareRollback } from "../lib/snapshots/prepare_rollback.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { applyOrShow, askForCost, holdMachine, requireStarted } from "./_snapshot_verb.ts";

const verb = defineVerb({
  name: "machines rollback",
  summary: "take a machine back to a snapshot",
  description:
    "Root tree, configuration and the drop-ins of its unit are again as they were; with --with-data the data volumes too. The present state is kept as a snapshot before-rollback-TIME. Name and address stay. Secrets stay as they are now; one that was removed since is there again. A machine that runs is stopped for a moment, and started again.",
  changes: true,
  operands: {
    name: { kind: "machine", help: "the machine", parse: parseMachineName },
    label: {
      kind: "snapshot",
      help: "the snapshot, the latest by default",
      optional: true,
      parse: parseLabel,
    },
  },
  flags: {
    withData: { type: "boolean", help: "take its data volumes back too" },
    discard: {
      type: "boolean",
      help: "remove the present state instead of keeping it; asks first",
    },
  },
  examples: [
    { command: "mbctl machines rollback web", says: "to the latest snapshot" },
    { command: "mbctl machines rollback db before-17 --with-data", says: "the data of then" },
  ],
  async run(context, { name, label, withData, discard }) {
    using machine = await holdMachine(context, name, "roll machines back");
    const { host } = machine;
    const warn = (text: string) => context.log.warn(text);
    const request = { name, label, withData, discard, warn };
    const { snapshot, kept, change, cost, isRunning } = await prepareRollback(host, request);
    await askForCost(context, cost, `roll "${name}" back`);
    if (kept === undefined && !context.dryRun) {
      const what = withData ? "tree, configuration and data" : "tree and configuration";
      const message = `Remove the present ${what} of "${name}"?`;
      if (!(await context.prompt.confirm({ message, flag: "--yes" }))) {
        throw new MbctlError("interrupted", `Nothing was changed of "${name}"`);
      }
    }
    if (!(await applyOrShow(context, machine, change))) return undefined;
    const message = `went back to the snapshot "${snapshot.label}"`;
    await recordEvent(host, {
      ...{ event: "rollback", machine: name, message },
      fields: { snapshot: snapshot.label, kept },
    });
    context.log.info(`"${name}" ${message}`);
    if (kept !== undefined) context.log.info(`what it was before: ${kept}`);
    if (isRunning) await requireStarted(machine, name, kept);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
