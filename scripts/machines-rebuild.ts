import { runScript } from "../lib/cli/main.ts";
import { escapeLine } from "../lib/cli/terminal.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { parseImageRef, resolveImagePath } from "../lib/image/reference.ts";
import { applySteps } from "../lib/steps/apply.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { requireLive } from "../lib/machine/lifecycle.ts";
import { planUnits } from "../lib/steps/plan_units.ts";
import { readCommonFacts } from "../lib/steps/pull.ts";
import { rebuildMachine } from "../lib/rebuild/rebuild_machine.ts";
import type { MachineName } from "../lib/spec/machine_name.ts";
import { putAppsBack } from "./_put_apps_back.ts";
import { imageLocator } from "./_image_locator.ts";
import { imageStore, sourceFlags, sourceOptions } from "./_image_source.ts";
import { manyFlags, namedMachines, namesOperand, workOnMachines } from "./_many_machines.ts";
import type { Step } from "../lib/steps/step.ts";
import { printSteps } from "./_print_steps.ts";
import { givenPreference, preferenceFlags } from "./_preference.ts";

const verb = defineVerb({
  name: "machines rebuild",
  summary: "make machines anew of their configuration folders",
  description:
    "For machines of which /var/lib/man8machine_configs is left, and their data in /var/lib/man8machine_storage: after a restore, or on another host that was set up by mbctl host setup. The root tree is that of the image's digest, from the store or the registry; addresses are those of this host; edits of the files stay. A root tree that is there stays where only links are missing. One that lacks nothing is made anew when it is asked for by name, and kept as a snapshot; --all leaves it alone.",
  changes: true,
  progress: true,
  operands: { names: namesOperand },
  flags: {
    ...manyFlags,
    start: { type: "boolean", help: "start them, when all are rebuilt" },
    to: {
      type: "string",
      value: "IMAGE",
      kind: "image",
      parse: parseImageRef,
      help: "another image, where the registry no longer has the one of before",
    },
    ...preferenceFlags,
    ...sourceFlags,
  },
  examples: [
    { command: "mbctl machines rebuild --all --start", says: "all that a dead host had" },
    { command: "mbctl machines rebuild web --dry-run", says: "the steps" },
  ],
  async run(context, { names, all, jobs, start, ...flags }) {
    const { log, dryRun, prompt } = context;
    const host = openHost(context);
    if (!dryRun) requireRoot("rebuild machines");
    if (start && !dryRun) requireLive(host, "start machines");
    const prefer = givenPreference(flags);
    const chosen = namedMachines(host.root, names, all);
    const to = flags.to && resolveImagePath(flags.to, context.workingDirectory);
    const choices = { to, onlyBroken: all, prefer };
    using store = await imageStore(context, host);
    const options = { ...sourceOptions(context, flags), policy: "missing" } as const;
    const locate = imageLocator(context, host, store, options);
    const warn = (text: string) => log.warn(text);
    const tools = {
      ...{ host, warn, signal: context.signal, onWarning: warn },
      onStep: (text: string) => log.debug(text),
      say: (text: string) => log.info(escapeLine(text)),
      confirm: async (message: string) => await prompt.confirm({ message, flag: "--yes" }),
      common: chosen.length > 0 ? await readCommonFacts(host) : undefined,
      locate,
      finish: async (name: MachineName) => await putAppsBack(context, host, name, locate),
      ...(dryRun && {
        showSteps: (steps: readonly Step[]) => printSteps(context, steps),
      }),
    };
    const rebuilt: MachineName[] = [];
    const startAll = async () => {
      if (start && rebuilt.length > 0)
        await applySteps(planUnits(host, "start", rebuilt), { host });
    };
    try {
      await workOnMachines(
        context,
        { names: chosen, jobs, what: "rebuild" },
        async (name) => {
          const state = await rebuildMachine(host, name, choices, tools);
          if (state === "rebuilt") rebuilt.push(name);
          return { state, address: dryRun ? undefined : (await readMachine(host, name)).address };
        },
        ["ADDRESS", "STATE"],
        ({ address, state }) => [address, state],
      );
    } finally {
      // One that is broken does not keep the others from their work.
      await startAll();
    }
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
