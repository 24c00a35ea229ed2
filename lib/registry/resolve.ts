/**
 * What a reference names now.
 *
 * @module
 */

import type { Run } from "../host/run.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import { parseManifest } from "../image/manifest.ts";
import { selectPlatform } from "../image/platform.ts";
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

/** What a reference names now. */
export interface Resolved {
  /** Of the index, if there is one, else of the manifest. */
  readonly digest: Digest;
  /** Of the manifest for the platform. */
  readonly manifestDigest: Digest;
}

/**
 * The same with the manifest for the platform: still one question, because an index says it. An index in an index is
 * not followed.
 *
 * @throws {MbctlError} as {@linkcode resolveDigest}; (usage) when there is none for the platform.
 */
export async function resolveImage(
  run: Run,
  ref: ImageRef,
  options: SourceOptions,
): Promise<Resolved> {
  const image = formatImageRef(ref);
  const read = async () => await skopeoInspect(run, { ...options, ref, image });
  await using local =
    ref.transport === "docker" ? undefined : await openLocalImage(ref, options.platform);
  const text = local === undefined ? await read() : await local.readText(local.digest);
  const digest = local?.digest ?? digestOf(text);
  const document = parseManifest(text, image);
  if (document.kind === "manifest") return { digest, manifestDigest: digest };
  const entry = selectPlatform(document.manifests, options.platform, image);
  return { digest, manifestDigest: entry.digest };
}
