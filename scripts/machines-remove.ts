import { recoverChange } from "../lib/change/apply_change.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { requireUnused } from "../lib/connector/require_connectors.ts";
import { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { type ApplyTools, applySteps } from "../lib/steps/apply.ts";
import { readMachineSpecs } from "../lib/machine/inventory.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import { prepareRemoval } from "../lib/steps/remove.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { printSteps } from "./_print_steps.ts";

const verb = defineVerb({
  name: "machines remove",
  summary: "remove a machine with its configuration and data",
  description:
    "Removes the root tree, the configuration, the data, the links, the unit's drop-in and the boot entry. Folders of the host that were bound as volumes are named and left alone.",
  changes: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    stop: { type: "boolean", help: "stop it first if it runs" },
    force: { type: "boolean", help: "also when other machines run commands that it lends" },
  },
  examples: [
    { command: "mbctl machines remove web", says: "asks first" },
    { command: "mbctl machines remove web --stop --yes", says: "asks nothing" },
  ],
  async run(context, { name, stop, force }) {
    const host = openHost(context);
    if (context.dryRun) {
      const { steps } = await prepareRemoval(host, name, stop);
      printSteps(context, steps);
      return undefined;
    }
    requireRoot("remove machines");
    using _lock = takeMachineLock(host.root, name);
    const tools = {
      ...{ host, machine: name, signal: context.signal },
      onStep: (text: string) => context.log.debug(text),
      onWarning: (text: string) => context.log.warn(text),
    };
    await endChange(tools, name);
    const { steps, kept, snapshots } = await prepareRemoval(host, name, stop);
    if (!force) requireUnused(host.root, name, "remove");
    const dependents = readMachineSpecs(host.root).filter(({ depends }) => depends.includes(name));
    for (const dependent of dependents) {
      context.log.warn(`"${dependent.name}" depends on "${name}", and does not start without it`);
    }
    const also = snapshots === 0 ? "" : `, and its snapshots (${snapshots})`;
    const isSure = await context.prompt.confirm({
      message: `Remove the machine "${name}" with its configuration and data${also}?`,
      flag: "--yes",
    });
    if (!isSure) throw new MbctlError("interrupted", `Nothing was removed of "${name}"`);
    await applySteps(steps, tools);
    await recordEvent(host, { event: "remove", machine: name, message: "removed" });
    for (const folder of kept) context.log.info(`left alone: ${folder}`);
    return undefined;
  },
});
export default verb;

/** A change that cannot be ended does not stand in the way; one that is about another machine too has to be ended. */
async function endChange(tools: ApplyTools, name: MachineName): Promise<void> {
  try {
    await recoverChange(tools.host, name, tools);
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    tools.onWarning?.(`an earlier change of "${name}" cannot be ended: ${error.message}`);
  }
}

if (import.meta.main) await runScript(verb);
