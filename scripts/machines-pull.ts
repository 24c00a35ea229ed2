import { recoverChange } from "../lib/change/apply_change.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import type { Lock } from "../lib/host/lock.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { treeSource } from "../lib/pull/stored_tree.ts";
import { isOpen } from "../lib/store/store.ts";
import { formatImageRef, resolveImagePath } from "../lib/image/reference.ts";
import { controlUnits, requireLive } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { type MachineName, machineUnit, parseMachineName } from "../lib/spec/machine_name.ts";
import {
  applyPull,
  checkPull,
  preparePull,
  recoverPull,
  requireFreeName,
} from "../lib/machine/pull.ts";
import { describeStep } from "../lib/machine/step.ts";
import { matchMounts } from "../lib/spec/volume.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { appFlags, givenChoices } from "./_app_flags.ts";
import { askForVolume } from "./_ask_for_volume.ts";
import { networkChoices, networkFlags } from "./_network_flags.ts";
import {
  imageOperand,
  imageStore,
  imageTools,
  locateTools,
  pullFlag,
  sourceFlags,
  sourceOptions,
} from "./_image_source.ts";

const verb = defineVerb({
  name: "machines pull",
  summary: "make a machine of an image",
  description:
    "For each volume that the image declares, the choice is config (kept in the configuration folder), data (kept in the storage folder), a path of the host, or skip (left in the root tree). What the image holds there is copied. Words after -- replace the command of the image. All choices are kept in machine.toml. Prints the machine's address.",
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
    {
      command: "mbctl machines pull redis:7 cache --volume /data -m 1g -- --save 60 1",
      says: "with a limit, and words for the program",
    },
  ],
  async run(context, { image, name, start, pull, tlsVerify, authfile, args, ...flags }) {
    const host = openHost(context);
    const ref = resolveImagePath(image, context.workingDirectory);
    const { app, environment, volumes: mounts } = givenChoices(context, flags, name, args);
    const request = { name, ref, environment, app, network: networkChoices(flags) };
    const options = { ...sourceOptions(context, { tlsVerify, authfile }), policy: pull };
    const tools = {
      host,
      machine: name,
      signal: context.signal,
      onStep: (text: string) => context.log.debug(text),
    };
    using _lock = context.dryRun ? undefined : lockForPull(host.root, name);
    if (start && !context.dryRun) requireLive(host, "start machines");
    const earlier = context.dryRun ? "nothing" : await recoverPull(host, name, tools);
    if (earlier !== "nothing")
      context.log.info(`an earlier run of "${name}" was killed: ${earlier}`);
    // Of a machine that had this name, and was being given another.
    if (!context.dryRun) await recoverChange(host, name, tools);
    const isDone =
      earlier === "completed" &&
      (await readMachine(host, name)).spec.image.reference === formatImageRef(ref);
    if (!isDone) {
      const facts = await checkPull(host, name, request.network, (text) => context.log.warn(text));
      using store = await imageStore(context, host);
      await using located = await locateImage(locateTools(context, host, store), ref, options);
      const { found } = located;
      const { chosen, open } = matchMounts(found.config.volumes, mounts);
      const volumes = [...chosen];
      for (const path of open) volumes.push(await askForVolume(context.prompt, path));
      const tree = treeSource(host, store, found);
      const prepared = preparePull(host, request, facts, found, volumes, tree);
      for (const weakness of prepared.weaknesses) context.log.warn(weakness);
      if (!isOpen(store)) {
        for (const step of [...prepared.steps, ...prepared.finish])
          context.out.print(describeStep(step));
        return undefined;
      }
      if (open.length > 0) await requireFreeName(host, name);
      context.log.info(`pulling ${formatImageRef(ref)}`);
      await applyPull(prepared, { ...tools, image: imageTools(context, host, store, located) });
    }
    const machine = await readMachine(host, name);
    const message = `made of ${machine.spec.image.reference}`;
    await recordEvent(host, { event: "pull", machine: name, message });
    if (machine.address !== undefined) context.out.print(machine.address);
    if (start) await controlUnits(host, "start", [machineUnit(name)]);
    return undefined;
  },
});
export default verb;

function lockForPull(root: string, name: MachineName): Lock {
  requireRoot("make machines");
  return takeMachineLock(root, name);
}

if (import.meta.main) await runScript(verb);
