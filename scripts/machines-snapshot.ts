import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { parseLabel } from "../lib/snapshots/label.ts";
import { prepareSnapshot } from "../lib/snapshots/prepare_snapshot.ts";
import type { Meanwhile } from "../lib/snapshots/plan_snapshot.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { applyOrShow, askForCost, holdMachine } from "./_snapshot_verb.ts";

const verb = defineVerb({
  name: "machines snapshot",
  summary: "keep a machine's state under a label",
  description:
    "Keeps the root tree and the configuration, secrets and config volumes included; with --with-data the data volumes too. Folders of the host that are bound as volumes are never part of it. At no cost on btrfs, by shared blocks on XFS; elsewhere it is a copy: its size is said first, and asked about above 1 GB. A machine that runs is frozen meanwhile (for a copy of more than 256 MB: stopped), so that all of it is of one moment. Prints the label.",
  changes: true,
  operands: {
    name: { kind: "machine", help: "the machine", parse: parseMachineName },
    label: {
      kind: "text",
      help: "the name of the snapshot, the time in UTC by default",
      optional: true,
      parse: parseLabel,
    },
  },
  flags: {
    withData: { type: "boolean", help: "keep its data volumes too" },
    stop: { type: "boolean", help: "stop it meanwhile: its program has then written all it had" },
    live: {
      type: "boolean",
      help: "let it run; btrfs only, where each folder is cloned in one moment",
    },
  },
  examples: [
    { command: "mbctl machines snapshot web", says: "labelled with the time" },
    {
      command: "mbctl machines snapshot db before-17 --with-data --stop",
      says: "with its data, the database shut down",
    },
  ],
  async run(context, { name, label, withData, stop, live }) {
    if (stop && live) throw usageError("Cannot use --stop and --live at once", "leave one out");
    const meanwhile: Meanwhile | undefined = stop ? "stopped" : live ? "untouched" : undefined;
    using machine = await holdMachine(context, name, "take snapshots");
    const prepared = await prepareSnapshot(machine.host, { name, label, withData, meanwhile });
    for (const folder of prepared.leftOut) context.log.info(`not part of it: ${folder}`);
    if (withData && !prepared.hasData) context.log.info("it has no data volumes");
    await askForCost(context, prepared.cost, `clone "${name}"`);
    if (prepared.meanwhile === "stopped") context.log.info(`${name} is stopped meanwhile`);
    if (!(await applyOrShow(context, machine, prepared.change))) return undefined;
    await recordEvent(machine.host, {
      event: "snapshot",
      machine: name,
      message: `snapshot "${prepared.label}" was taken`,
      fields: { snapshot: prepared.label },
    });
    context.out.print(prepared.label);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
