import { resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { formatImageRef, resolveImagePath } from "../lib/image/reference.ts";
import type { Step } from "../lib/steps/step.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { saveFormats } from "../lib/image/oci_layout.ts";
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
  name: "oci save",
  summary: "write an image to a file or folder, for another host",
  description:
    "An OCI archive, or an OCI layout with --format oci-dir; podman, docker and skopeo read both. All digests stay as they are in the registry. What the store lacks is fetched first.",
  changes: true,
  progress: true,
  operands: {
    image: imageOperand,
    path: { kind: "file", help: "the archive to write, or the folder to make" },
  },
  flags: {
    format: {
      type: "choice",
      choices: saveFormats,
      default: "oci-archive",
      help: "one file, or a folder",
    },
    ...pullFlag,
    ...sourceFlags,
  },
  examples: [
    {
      command: "mbctl oci save nginx nginx.tar",
      says: "on the other host: mbctl oci load nginx.tar",
    },
    { command: "mbctl oci save nginx ./layout --format oci-dir", says: "a folder" },
  ],
  async run(context, { image, path, format, pull, tlsVerify, authfile }) {
    const host = openHost(context);
    if (!context.dryRun) requireRoot("fetch images");
    const target = resolve(context.workingDirectory, path);
    const options = { ...sourceOptions(context, { tlsVerify, authfile }), policy: pull };
    const ref = resolveImagePath(image, context.workingDirectory);
    const name = formatImageRef(ref);
    using store = await imageStore(context, host);
    await using located = await locateImage(locateTools(context, host, store), ref, options);
    const steps: Step[] = [
      { kind: "fetch-image", image: name, store: store.paths.cache },
      { kind: "save-image", image: name, path: target, format },
      { kind: "remember-image", image: name },
    ];
    await applyImageSteps(context, host, store, located, steps);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
