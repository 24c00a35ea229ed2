/** Images for the verbs that give machines that are there another root tree. */

import type { VerbContext } from "../lib/cli/context.ts";
import type { Host } from "../lib/host/host.ts";
import type { Digest } from "../lib/image/digest.ts";
import type { ImageRef } from "../lib/image/reference.ts";
import { locateDigest, locateImage, type LocateOptions } from "../lib/pull/locate_image.ts";
import { treeSource } from "../lib/pull/stored_tree.ts";
import { isOpen, type Store } from "../lib/store/store.ts";
import type { UsableImage } from "../lib/upgrade/upgrade_to.ts";
import { imageTools, locateTools } from "./_image_source.ts";

/** Locates what a reference names; with a digest, what it named once, wherever that still is. */
export function imageLocator(
  context: VerbContext,
  host: Host,
  store: Store,
  options: LocateOptions,
): (ref: ImageRef, digest?: Digest) => Promise<UsableImage & AsyncDisposable> {
  const tools = locateTools(context, host, store);
  return async (ref, digest) => {
    const located =
      digest === undefined
        ? await locateImage(tools, ref, options)
        : await locateDigest(tools, ref, digest, { ...options, policy: "missing" });
    return {
      found: located.found,
      tree: treeSource(host, store, located.found),
      tools: isOpen(store) ? imageTools(context, host, store, located) : undefined,
      [Symbol.asyncDispose]: () => located[Symbol.asyncDispose](),
    };
  };
}
