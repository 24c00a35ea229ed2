import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { parseDigest } from "../lib/image/digest.ts";
import { parseImageRef, pinned } from "../lib/image/reference.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { treeSource } from "../lib/pull/stored_tree.ts";
import { prepareReset } from "../lib/snapshots/prepare_reset.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { isOpen } from "../lib/store/store.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import {
  imageStore,
  imageTools,
  locateTools,
  sourceFlags,
  sourceOptions,
} from "./_image_source.ts";
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
    const ref = parseImageRef(spec.image.reference);
    const exact = ref.transport === "docker" ? pinned(ref, parseDigest(spec.image.digest)) : ref;
    const options = { ...sourceOptions(context, flags), policy: "missing" as const };
    await using located = await locateImage(locateTools(context, host, store), exact, options);
    const { found } = located;
    if (found.manifestDigest !== spec.image.manifestDigest) {
      throw new MbctlError(
        "conflict",
        `Cannot reset "${name}": ${spec.image.reference} is not the image that it was made of`,
        { hint: `mbctl machines upgrade ${name} takes the new one` },
      );
    }
    const tree = treeSource(host, store, found);
    const { kept, change, isRunning } = await prepareReset(host, { spec, found, tree, discard });
    if (discard && !context.dryRun) {
      const message = `Remove all that was written to the root tree of "${name}"?`;
      if (!(await context.prompt.confirm({ message, flag: "--yes" }))) {
        throw new MbctlError("interrupted", `Nothing was changed of "${name}"`);
      }
    }
    const image = isOpen(store) ? imageTools(context, host, store, located) : undefined;
    if (!(await applyOrShow(context, machine, change, image))) return undefined;
    const message = "its root tree was made anew";
    await recordEvent(host, { event: "reset", machine: name, message, fields: { kept } });
    context.log.info(`"${name}": ${message}`);
    if (kept !== undefined) context.log.info(`what it was before: ${kept}`);
    if (isRunning) await requireStarted(machine, name, kept);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
