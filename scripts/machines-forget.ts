import { applyChange } from "../lib/change/apply_change.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { machinePaths } from "../lib/paths.ts";
import { planForget } from "../lib/snapshots/forget.ts";
import { parseLabel } from "../lib/snapshots/label.ts";
import { requireSnapshots } from "../lib/snapshots/list_snapshots.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { holdMachine } from "./_snapshot_verb.ts";
import { printSteps } from "./_print_steps.ts";

const verb = defineVerb({
  name: "machines forget",
  summary: "remove snapshots of a machine",
  changes: true,
  operands: {
    name: { kind: "machine", help: "the machine", parse: parseMachineName },
    labels: {
      kind: "snapshot",
      label: "LABEL",
      repeat: true,
      help: "the snapshots",
      parse: parseLabel,
    },
  },
  examples: [{ command: "mbctl machines forget web before-17", says: "asks first" }],
  async run(context, { name, labels }) {
    using machine = await holdMachine(context, name, "remove snapshots");
    const { root } = machine.host;
    requireSnapshots(machinePaths(root, name), name, labels);
    const change = planForget(root, name, labels);
    if (context.dryRun) {
      printSteps(context, change.redo);
      return undefined;
    }
    const what = labels.map((label) => `"${label}"`).join(", ");
    const message = `Remove ${labels.length === 1 ? "the snapshot" : "the snapshots"} ${what} of "${name}"?`;
    if (!(await context.prompt.confirm({ message, flag: "--yes" }))) {
      throw new MbctlError("interrupted", `Nothing was removed of "${name}"`);
    }
    await applyChange(change, machine.tools);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
