import { resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { nameExists } from "../lib/host/files.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { requireFreePath } from "../lib/trees/root_tree.ts";
import { resolveImagePath } from "../lib/image/reference.ts";
import { applySteps } from "../lib/steps/apply.ts";
import { planDownload, stagedDownload } from "../lib/steps/plan_download.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { isOpen } from "../lib/store/store.ts";
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

const verb = defineVerb({
  name: "oci download",
  summary: "unpack an image into a root tree",
  description:
    "Only the root tree, without man8s-init, and the image's configuration beside it, as PATH.config.json. PATH must not exist.",
  changes: true,
  progress: true,
  operands: { image: imageOperand, path: { kind: "directory", help: "the root tree to make" } },
  flags: { ...pullFlag, ...sourceFlags },
  examples: [
    {
      command: "mbctl oci download alpine:3 ./alpine",
      says: "gives ./alpine and ./alpine.config.json",
    },
  ],
  async run(context, { image, path, pull, tlsVerify, authfile }) {
    const host = openHost(context);
    const tree = resolve(context.workingDirectory, path);
    requireFreePath(tree);
    // A run that was killed leaves its hidden tree, and perhaps the configuration: both are made anew.
    if (!nameExists(stagedDownload(tree))) requireFreePath(`${tree}.config.json`);
    if (!context.dryRun) requireRoot("unpack images");
    const options = { ...sourceOptions(context, { tlsVerify, authfile }), policy: pull };
    const ref = resolveImagePath(image, context.workingDirectory);
    using store = await imageStore(context, host);
    await using located = await locateImage(locateTools(context, host, store), ref, options);
    const { steps, undo } = planDownload(tree, located.found);
    if (!isOpen(store)) {
      printSteps(context, steps);
      return undefined;
    }
    const onStep = (text: string) => context.log.debug(text);
    const tools = { host, onStep, image: imageTools(context, host, store, located) };
    try {
      await applySteps(steps, { ...tools, signal: context.signal });
    } catch (error) {
      await applySteps(undo, { host, onStep });
      throw error;
    }
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
