import type { VerbContext } from "../lib/cli/context.ts";
import { runScript } from "../lib/cli/main.ts";
import { escapeLine } from "../lib/cli/terminal.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { type Host, openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { shortDigest } from "../lib/image/digest.ts";
import { parseImageRef, resolveImagePath } from "../lib/image/reference.ts";
import { readMachineSpecs } from "../lib/machine/inventory.ts";
import type { LocateOptions } from "../lib/pull/locate_image.ts";
import { parseMount } from "../lib/spec/volume.ts";
import type { Store } from "../lib/store/store.ts";
import { upgradeMachine, type NamedUpgradeTools } from "../lib/upgrade/upgrade_machine.ts";
import { askForVolume } from "./_ask_for_volume.ts";
import { imageLocator } from "./_image_locator.ts";
import { imageStore, pullFlag, sourceFlags, sourceOptions } from "./_image_source.ts";
import { manyFlags, namedMachines, namesOperand, workOnMachines } from "./_many_machines.ts";
import { printSteps } from "./_print_steps.ts";
import { givenPreference } from "./_preference.ts";

const verb = defineVerb({
  name: "machines upgrade",
  summary: "give machines the newest image, with a way back",
  description:
    "Asks the registry what a machine's reference names now. If that is another image, says what changes, unpacks it while the machine runs, keeps the old state as a snapshot, and starts the machine anew. Address, data and edits of its files stay. A machine that does not become well (its health check; without one, running for the grace time) goes back by itself, and the exit code is 1.",
  changes: true,
  progress: true,
  operands: { names: namesOperand },
  flags: {
    ...manyFlags,
    auto: {
      type: "boolean",
      help: "of all, only those with auto_upgrade = true in their machine.toml",
    },
    to: {
      type: "string",
      value: "IMAGE",
      kind: "image",
      parse: parseImageRef,
      help: "another image than the one that its reference names",
    },
    grace: {
      type: "integer",
      value: "SECONDS",
      min: 1,
      max: 3600,
      default: 10,
      help: "how long a machine without a health check must run",
    },
    withData: { type: "boolean", help: "keep a copy of its data in the snapshot too" },
    mount: {
      type: "string",
      value: "/IN=CHOICE",
      repeat: true,
      parse: parseMount,
      help: "config, data, skip or a path of the host, for a new volume /IN; else data",
    },
    ours: { type: "boolean", help: "where you and the new image changed the same, yours counts" },
    theirs: { type: "boolean", help: "there, what the new image wants counts" },
    pull: { ...pullFlag.pull, default: "newer" },
    ...sourceFlags,
  },
  examples: [
    { command: "mbctl machines upgrade web --dry-run", says: "what would change" },
    { command: "mbctl machines upgrade db --to postgres:17 --with-data", says: "another tag" },
    { command: "mbctl machines upgrade --all --yes", says: "asks nothing" },
  ],
  async run(context, { names, all, auto, jobs, ...flags }) {
    const host = openHost(context);
    if (!context.dryRun) requireRoot("upgrade machines");
    const prefer = givenPreference(flags);
    if (auto && !all) throw usageError("Cannot use --auto without --all", "add --all");
    const named = namedMachines(host.root, names, all);
    const specs = readMachineSpecs(host.root);
    const willing = new Set(specs.flatMap((spec) => (spec.autoUpgrade ? [spec.name] : [])));
    const systems = new Set(specs.flatMap(({ mode, name }) => (mode === "base" ? [name] : [])));
    const wanted = auto ? named.filter((name) => willing.has(name)) : named;
    for (const name of wanted.filter((name) => all && systems.has(name))) {
      context.log.info(`${name}: a whole system, which upgrades itself: left alone`);
    }
    const chosen = wanted.filter((name) => !all || !systems.has(name));
    const { to, mount: mounts, withData: isWithData } = flags;
    const choices = {
      ...{ mounts, isWithData, graceMs: flags.grace * 1000 },
      to: to && resolveImagePath(to, context.workingDirectory),
      prefer,
    };
    using store = await imageStore(context, host);
    const options = { ...sourceOptions(context, flags), policy: flags.pull };
    const tools = upgradeTools(context, host, store, options);
    await workOnMachines(
      context,
      { names: chosen, jobs, what: "upgrade" },
      (name) => upgradeMachine(host, name, choices, tools),
      ["FROM", "TO", "STATE"],
      ({ from, to, state }) => [shortDigest(from), shortDigest(to), state],
    );
    return undefined;
  },
});
export default verb;

function upgradeTools(
  context: VerbContext,
  host: Host,
  store: Store,
  options: LocateOptions,
): NamedUpgradeTools {
  const { log, prompt, dryRun } = context;
  const warn = (text: string) => log.warn(text);
  return {
    ...{ host, warn, signal: context.signal, onWarning: warn },
    onStep: (text) => log.debug(text),
    // Part of what is said comes from images.
    say: (text) => log.info(escapeLine(text)),
    confirm: async (message) => await prompt.confirm({ message, flag: "--yes" }),
    async chooseVolume(name, path) {
      if (prompt.isPossible && !context.yes) return await askForVolume(prompt, path);
      log.info(
        escapeLine(`${name}: the new volume ${path} is kept as data; --mount ${path}=… chooses`),
      );
      return { path, kind: "data" };
    },
    locate: imageLocator(context, host, store, options),
    ...(dryRun && {
      showSteps: (steps) => printSteps(context, steps),
    }),
  };
}

if (import.meta.main) await runScript(verb);
