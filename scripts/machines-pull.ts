import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { lackingPrograms } from "../lib/connector/lacking_programs.ts";
import { requireConnectors } from "../lib/connector/require_connectors.ts";
import { describeDeviceRules } from "../lib/host/device_rule.ts";
import { openHost } from "../lib/host/host.ts";
import type { Lock } from "../lib/host/lock.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { treeSource } from "../lib/pull/stored_tree.ts";
import { isOpen } from "../lib/store/store.ts";
import { formatImageRef, resolveImagePath } from "../lib/image/reference.ts";
import { requireLive } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import { applyPull, checkPull, preparePull } from "../lib/steps/pull.ts";
import { requireFreeName } from "../lib/machine/free_name.ts";
import { matchMounts } from "../lib/spec/volume.ts";
import { appFlags, givenChoices } from "./_app_flags.ts";
import { askForVolume } from "./_ask_for_volume.ts";
import { networkChoices, networkFlags } from "./_network_flags.ts";
import { baseFlag, pullApp } from "./_pull_app.ts";
import { chosenMode, modeFlags, wantedMode } from "./_pull_mode.ts";
import {
  imageOperand,
  imageStore,
  imageTools,
  locateTools,
  pullFlag,
  sourceFlags,
  sourceOptions,
} from "./_image_source.ts";
import { printSteps } from "./_print_steps.ts";
import { changeTools } from "./_machine_change.ts";
import { announceMachine, endEarlierRun } from "./_new_machine.ts";

const verb = defineVerb({
  name: "machines pull",
  summary: "make a machine of an image",
  description:
    "For each volume that the image declares, the choice is config (kept in the configuration folder), data (kept in the storage folder), a path of the host, or skip (left in the root tree). What the image holds there is copied. Words after -- replace the command of the image. An image that is an operating system becomes a machine that boots, any other runs its program; --mode decides otherwise. All choices are kept in machine.toml. Prints the machine's address.",
  changes: true,
  progress: true,
  operands: {
    image: imageOperand,
    name: { kind: "machine", help: "the new machine", parse: parseMachineName },
  },
  flags: {
    ...appFlags,
    ...networkFlags,
    ...pullFlag,
    ...sourceFlags,
    ...modeFlags,
    ...baseFlag,
    start: { type: "boolean", help: "start it at once" },
  },
  tail: { args: { help: "words for the image's program, in place of its own command" } },
  examples: [
    {
      command: "mbctl machines pull docker.io/registry:latest Man8Registry",
      says: "asks about its one volume",
    },
    {
      command: "mbctl machines pull redis:7 cache --mount /data=data --env TZ=UTC --start",
      says: "asks nothing, and starts it",
    },
    { command: "mbctl machines pull debian:12 build", says: "a system that boots" },
    {
      command: "mbctl machines pull redis:7 cache --volume /data -m 1g -- --save 60 1",
      says: "with a limit, and words for the program",
    },
  ],
  async run(context, { image, name, start, pull, tlsVerify, authfile, args, mode, ...flags }) {
    const wanted = wantedMode(mode, flags.base);
    const host = openHost(context);
    const ref = resolveImagePath(image, context.workingDirectory);
    const { app, environment, volumes: mounts } = givenChoices(context, flags, name, args);
    const network = networkChoices(flags);
    requireConnectors(host.root, name, app.connectors);
    const options = { ...sourceOptions(context, { tlsVerify, authfile }), policy: pull };
    const tools = changeTools(context, host, name);
    if (start && !context.dryRun) requireLive(host, "start machines");
    if ("base" in wanted) {
      const hasRestart = flags.restart !== undefined;
      const given = { app, hasRestart, environment, volumes: mounts, network };
      await pullApp(context, { ref, name, ...wanted, ...given, source: options, start });
      return undefined;
    }
    using _lock = context.dryRun ? undefined : lockForPull(host.root, name);
    const earlier = await endEarlierRun(context, tools, name);
    const isDone =
      earlier === "completed" &&
      (await readMachine(host, name)).spec.image.reference === formatImageRef(ref);
    if (!isDone) {
      const facts = await checkPull(host, name, network, (text) => context.log.warn(text));
      using store = await imageStore(context, host);
      await using located = await locateImage(locateTools(context, host, store), ref, options);
      const { found } = located;
      const { chosen, open } = matchMounts(found.config.volumes, mounts);
      const volumes = [...chosen];
      for (const path of open) volumes.push(await askForVolume(context.prompt, path));
      const layers = isOpen(store) ? imageTools(context, host, store, located) : undefined;
      const lives = await chosenMode(context, wanted.mode, app, { store, located }, layers);
      const request = { name, ref, environment, app: { ...app, mode: lives }, network };
      const tree = treeSource(host, store, found);
      const prepared = preparePull(host, request, facts, found, volumes, tree);
      for (const weakness of prepared.weaknesses) context.log.warn(weakness);
      for (const hint of describeDeviceRules(app.devices)) context.log.info(hint);
      if (layers === undefined) {
        printSteps(context, [...prepared.steps, ...prepared.finish]);
        return undefined;
      }
      if (open.length > 0) await requireFreeName(host, name);
      context.log.info(`pulling ${formatImageRef(ref)}`);
      await applyPull(prepared, { ...tools, image: layers });
      for (const lack of lackingPrograms(host.root, prepared.spec, found.config)) {
        context.log.warn(lack);
      }
    }
    await announceMachine(context, host, name, `made of ${formatImageRef(ref)}`, start);
    return undefined;
  },
});
export default verb;

function lockForPull(root: string, name: MachineName): Lock {
  requireRoot("make machines");
  return takeMachineLock(root, name);
}

if (import.meta.main) await runScript(verb);
