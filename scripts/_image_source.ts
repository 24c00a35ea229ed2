/**
 * What the verbs that take an IMAGE have in common: the flags that say how to
 * reach it, and progress while its layers arrive.
 */

import { resolve } from "node:path";
import { formatBytes } from "../lib/cli/progress.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import type { Task } from "../lib/cli/progress.ts";
import { MbctlError } from "../lib/errors.ts";
import type { Run } from "../lib/host/run.ts";
import { removeTree } from "../lib/host/remove_tree.ts";
import { digestHex } from "../lib/image/digest.ts";
import { fetchImage } from "../lib/image/fetch_image.ts";
import type { FetchProgress } from "../lib/image/fetch_progress.ts";
import type { FoundImage } from "../lib/image/inspect_image.ts";
import type { ImageLayout } from "../lib/image/layout.ts";
import { hostPlatform } from "../lib/image/platform.ts";
import { parseImageRef } from "../lib/image/reference.ts";
import type { SourceOptions } from "../lib/image/skopeo.ts";
import { umociApplier } from "../lib/image/unpack.ts";
import type { ImageTools } from "../lib/machine/apply.ts";

/** The operand IMAGE, as each verb shows it. */
export const imageOperand = {
  kind: "image",
  help: "REGISTRY/NAME:TAG or @DIGEST, oci:DIR, oci-archive:FILE, docker-archive:FILE or dir:DIR",
  parse: parseImageRef,
} as const;

/** How to reach a registry; spelled as podman and skopeo spell them. */
export const sourceFlags = {
  tlsVerify: {
    type: "boolean",
    tristate: true,
    help: "--tls-verify=false accepts plain HTTP and any certificate",
  },
  authfile: {
    type: "string",
    value: "FILE",
    kind: "file",
    help: "the registry accounts, instead of skopeo's own choice",
  },
} as const satisfies FlagSpecs;

/** The flags as the image room takes them. */
export function sourceOptions(
  context: VerbContext,
  flags: { readonly tlsVerify: boolean | undefined; readonly authfile: string | undefined },
): SourceOptions {
  return {
    platform: hostPlatform(process.arch),
    tlsVerify: flags.tlsVerify,
    authFile:
      flags.authfile === undefined ? undefined : resolve(context.workingDirectory, flags.authfile),
    signal: context.signal,
  };
}

/** Fetches and unpacks an image that was found, with a line of progress for each layer. */
export function imageTools(
  context: VerbContext,
  run: Run,
  found: FoundImage,
  options: SourceOptions,
): ImageTools {
  let layout: ImageLayout | undefined;
  return {
    async fetch(into) {
      // What an earlier run left here is a part of an image at best.
      removeTree(into);
      layout = await fetchImage(run, found, into, { ...options, onProgress: showLayers(context) });
    },
    async applyLayers(_, tree) {
      if (layout === undefined)
        throw new MbctlError("failed", `Cannot fill ${tree}: nothing was fetched`);
      const task = context.progress.start("unpacking");
      try {
        await umociApplier(run).apply(layout, tree, { signal: context.signal });
        task.done();
      } catch (error) {
        task.failed();
        throw error;
      }
    },
  };
}

/** One line a layer: growing on a terminal, one at its end elsewhere. */
function showLayers(context: VerbContext): (progress: FetchProgress) => void {
  const tasks = new Map<string, Task>();
  const finished = new Set<string>();
  return ({ layers }) => {
    for (const { digest, sizeBytes, doneBytes, state } of layers) {
      if (finished.has(digest)) continue;
      const task =
        tasks.get(digest) ??
        context.progress.start(`layer ${digestHex(digest).slice(0, 12)}`, sizeBytes);
      tasks.set(digest, task);
      task.update(doneBytes);
      if (state !== "done") continue;
      finished.add(digest);
      task.done(formatBytes(sizeBytes));
    }
  };
}
