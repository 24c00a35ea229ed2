import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { applySteps } from "../lib/machine/apply.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { parseMachineName } from "../lib/machine/name.ts";
import { prepareRemoval } from "../lib/machine/remove.ts";
import { describeStep } from "../lib/machine/step.ts";

const verb = defineVerb({
  name: "machines remove",
  summary: "remove a machine with its configuration and data",
  description:
    "Removes the root tree, the configuration, the data, the links, the unit's drop-in and the boot entry. Folders of the host that were bound as volumes are named and left alone.",
  changes: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: { stop: { type: "boolean", help: "stop it first if it runs" } },
  examples: [
    { command: "mbctl machines remove web", says: "asks first" },
    { command: "mbctl machines remove web --stop --yes", says: "asks nothing" },
  ],
  async run(context, { name, stop }) {
    const host = openHost(context);
    if (context.dryRun) {
      const { steps } = await prepareRemoval(host, name, stop);
      for (const step of steps) context.out.print(describeStep(step));
      return undefined;
    }
    requireRoot("remove machines");
    using _lock = takeMachineLock(host.root, name);
    const { steps, kept } = await prepareRemoval(host, name, stop);
    const isSure = await context.prompt.confirm({
      message: `Remove the machine "${name}" with its configuration and data?`,
      flag: "--yes",
    });
    if (!isSure) throw new MbctlError("interrupted", `Nothing was removed of "${name}"`);
    await applySteps(steps, {
      host,
      machine: name,
      signal: context.signal,
      onStep: (text) => context.log.debug(text),
      onWarning: (text) => context.log.warn(text),
    });
    for (const folder of kept) context.log.info(`left alone: ${folder}`);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
