/**
 * What a reference names now.
 *
 * @module
 */

import type { Run } from "../host/run.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import { formatImageRef, type ImageRef } from "../image/reference.ts";
import { openLocalImage } from "./local_image.ts";
import { type SourceOptions, skopeoInspect } from "./skopeo.ts";

/**
 * The digest of what a reference names, index or manifest, and nothing more: one
 * question to the registry. Nothing is verified, no policy applied.
 *
 * @throws {MbctlError} (tool) when skopeo fails; (usage) for a local image that cannot be read.
 */
export async function resolveDigest(
  run: Run,
  ref: ImageRef,
  options: SourceOptions,
): Promise<Digest> {
  if (ref.transport === "docker") {
    if (ref.digest !== undefined) return ref.digest;
  } else {
    await using local = await openLocalImage(ref, options.platform);
    if (local !== undefined) return local.digest;
  }
  return digestOf(await skopeoInspect(run, { ...options, ref, image: formatImageRef(ref) }));
}
