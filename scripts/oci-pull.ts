import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { formatImageRef, resolveImagePath } from "../lib/image/reference.ts";
import type { Step } from "../lib/steps/step.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { treeSource } from "../lib/pull/stored_tree.ts";
import {
  applyImageSteps,
  imageOperand,
  imageStore,
  locateTools,
  pullFlag,
  sourceFlags,
  sourceOptions,
} from "./_image_source.ts";

const verb = defineVerb({
  name: "oci pull",
  summary: "fetch an image into the store",
  description:
    "Afterwards machines are made of it without a network. Where a machine's root tree is a clone that costs nothing (btrfs, XFS), the image is unpacked, too. Prints the digest.",
  changes: true,
  progress: true,
  operands: { image: imageOperand },
  flags: { pull: { ...pullFlag.pull, default: "always" }, ...sourceFlags },
  examples: [
    { command: "mbctl oci pull nginx", says: "asks the registry, and fetches what is missing" },
    { command: "mbctl oci pull nginx --pull newer", says: "does well without the registry, too" },
  ],
  async run(context, { image, pull, tlsVerify, authfile }) {
    const host = openHost(context);
    if (!context.dryRun) requireRoot("fetch images");
    const ref = resolveImagePath(image, context.workingDirectory);
    const options = { ...sourceOptions(context, { tlsVerify, authfile }), policy: pull };
    using store = await imageStore(context, host);
    await using located = await locateImage(locateTools(context, host, store), ref, options);
    const tree = treeSource(host, store, located.found);
    const name = formatImageRef(ref);
    const steps: Step[] = [
      tree.kind === "stored" && !tree.isThere
        ? { kind: "store-tree", image: name, tree: tree.path }
        : { kind: "fetch-image", image: name, store: store.paths.cache },
      { kind: "remember-image", image: name },
    ];
    const isDone = await applyImageSteps(context, host, store, located, steps);
    if (isDone) context.out.print(located.found.digest);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
