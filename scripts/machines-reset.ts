import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { parseDigest } from "../lib/image/digest.ts";
import { type ImageRef, parseImageRef, pinned } from "../lib/image/reference.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { systemSource } from "../lib/steps/system_source.ts";
import { prepareReset } from "../lib/snapshots/prepare_reset.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import type { MachineSpec } from "../lib/spec/machine_spec.ts";
import { isOsReference } from "../lib/spec/os_reference.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { putAppsBack } from "./_put_apps_back.ts";
import { imageLocator } from "./_image_locator.ts";
import { imageStore, sourceFlags, sourceOptions } from "./_image_source.ts";
import { applyOrShow, holdMachine, requireStarted } from "./_snapshot_verb.ts";

const verb = defineVerb({
  name: "machines reset",
  summary: "make a machine's root tree anew of its image",
  description:
    "The tree is that of the image which the machine was made of, by its digest; what the store lacks is fetched. Configuration and data stay. The present tree is kept as a snapshot before-reset-TIME. A machine that runs is stopped for a moment, and started again.",
  changes: true,
  progress: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: {
    discard: { type: "boolean", help: "remove the present tree instead of keeping it; asks first" },
    ...sourceFlags,
  },
  examples: [
    { command: "mbctl machines reset web", says: "what was written to its tree is in a snapshot" },
    { command: "mbctl machines reset web --discard --yes", says: "asks nothing, keeps nothing" },
  ],
  async run(context, { name, discard, ...flags }) {
    using machine = await holdMachine(context, name, "reset machines");
    const { host } = machine;
    const { spec } = await readMachine(host, name);
    using store = await imageStore(context, host);
    const options = { ...sourceOptions(context, flags), policy: "missing" as const };
    await using located = isOsReference(spec.image.reference)
      ? { ...(await systemSource(host, spec)), async [Symbol.asyncDispose]() {} }
      : await imageLocator(context, host, store, options)(exactly(spec));
    const { found, tree } = located;
    if (found.manifestDigest !== spec.image.manifestDigest) {
      throw new MbctlError(
        "conflict",
        `Cannot reset "${name}": ${spec.image.reference} is not the image that it was made of`,
        { hint: `mbctl machines upgrade ${name} takes the new one` },
      );
    }
    const { kept, change, isRunning } = await prepareReset(host, { spec, found, tree, discard });
    const isSystem = spec.mode === "base";
    if ((discard || isSystem) && !context.dryRun) {
      const message = discard
        ? `Remove all that was written to the root tree of "${name}"${isSystem ? ", all that was installed in it" : ""}?`
        : `Make the whole system "${name}" anew? What was installed in it is in the snapshot ${kept} alone.`;
      if (!(await context.prompt.confirm({ message, flag: "--yes" }))) {
        throw new MbctlError("interrupted", `Nothing was changed of "${name}"`);
      }
    }
    if (!(await applyOrShow(context, machine, change, located.tools))) return undefined;
    await putAppsBack(context, host, name, imageLocator(context, host, store, options));
    const message = "its root tree was made anew";
    await recordEvent(host, { event: "reset", machine: name, message, fields: { kept } });
    context.log.info(`"${name}": ${message}`);
    if (kept !== undefined) context.log.info(`what it was before: ${kept}`);
    if (isRunning) await requireStarted(machine, name, kept);
    return undefined;
  },
});
export default verb;

/** The image by its digest, where a registry has it. */
function exactly({ image }: MachineSpec): ImageRef {
  const ref = parseImageRef(image.reference);
  return ref.transport === "docker" ? pinned(ref, parseDigest(image.digest)) : ref;
}

if (import.meta.main) await runScript(verb);
