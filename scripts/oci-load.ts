import { resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { formatImageRef, type ImageRef, parseImageRef } from "../lib/image/reference.ts";
import type { Step } from "../lib/steps/step.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { type HeldImage, listHeldImages } from "../lib/registry/local_images.ts";
import { applyImageSteps, imageStore, locateTools, sourceOptions } from "./_image_source.ts";

const verb = defineVerb({
  name: "oci load",
  summary: "put images from files into the store",
  description:
    "Takes what mbctl oci save, podman save, docker save and skopeo copy write: an OCI layout, an archive of one, a docker-archive. Digests stay as they are; a docker-archive has none of its own. Each image keeps its name. Prints reference and digest of each.",
  changes: true,
  progress: true,
  operands: { path: { kind: "file", help: "the archive or folder" } },
  flags: {
    name: {
      type: "string",
      value: "IMAGE",
      kind: "image",
      parse: parseImageRef,
      help: "call the image so: for one that has no whole name",
    },
  },
  examples: [
    { command: "mbctl oci load nginx.tar", says: "then: mbctl machines pull nginx web" },
    { command: "mbctl oci load layout --name example.org/app:1", says: "gives it a name" },
  ],
  async run(context, { path, name }) {
    const host = openHost(context);
    if (!context.dryRun) requireRoot("fetch images");
    const source = resolve(context.workingDirectory, path);
    const options = {
      ...sourceOptions(context, { tlsVerify: undefined, authfile: undefined }),
      policy: "always",
    } as const;
    const images = await listHeldImages(source);
    using store = await imageStore(context, host);
    for (const image of images) {
      const ref = nameFor(image, images, name);
      await using located = await locateImage(
        locateTools(context, host, store),
        image.ref,
        options,
      );
      const steps: Step[] = [
        { kind: "fetch-image", image: formatImageRef(image.ref), store: store.paths.cache },
        { kind: "remember-image", image: formatImageRef(ref) },
      ];
      // From here on it goes by the name that it has in the store.
      const named = {
        ...located,
        found: { ...located.found, ref },
        blobs: () => located.blobs(),
      };
      const isDone = await applyImageSteps(context, host, store, named, steps);
      if (isDone) context.out.print(`${formatImageRef(ref)} ${located.found.digest}`);
    }
    return undefined;
  },
});
export default verb;

/**
 * What an image is called in the store.
 *
 * @throws {MbctlError} (usage) where that is not known.
 */
function nameFor(
  image: HeldImage,
  all: readonly HeldImage[],
  given: ImageRef | undefined,
): ImageRef {
  const source = JSON.stringify(image.ref.path);
  if (given !== undefined) {
    if (all.length === 1 && given.transport === "docker") return given;
    throw usageError(
      `Cannot call the images of ${source} ${JSON.stringify(formatImageRef(given))}: ${all.length === 1 ? "it is no name in a registry" : `there are ${all.length}`}`,
      all.length === 1 ? "write it as example.org/app:1" : "leave --name out",
    );
  }
  // A bare tag (`latest`) is no name: it would become docker.io/library/latest.
  if (image.name !== undefined && /[:/]/.test(image.name)) return parseImageRef(image.name);
  throw usageError(
    `Cannot load the image of ${source}: it has no whole name in there${image.name === undefined ? "" : `, only ${JSON.stringify(image.name)}`}`,
    "give it one: --name example.org/app:1",
  );
}

if (import.meta.main) await runScript(verb);
