/**
 * The digests of applications that are declared without: what their references name now is what is installed.
 *
 * @module
 */

import { parseDigest, type Digest, unknownDigest } from "../image/digest.ts";
import { type ImageRef, parseImageRef } from "../image/reference.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import { canonicalSource } from "../spec/source_reference.ts";
import type { UsableImage } from "../upgrade/upgrade_to.ts";

/** Finds an image; with a digest, the one that it is. */
export type LocateApp = (ref: ImageRef, digest?: Digest) => Promise<UsableImage>;

/**
 * Gives each application the digests of its image. Those that have them are not asked about.
 *
 * @throws {MbctlError} when an image is not found.
 */
export async function pinApps(apps: readonly AppSpec[], locate: LocateApp): Promise<AppSpec[]> {
  const pinned: AppSpec[] = [];
  for (const app of apps) {
    const { image } = app;
    const isPinned = image.digest !== unknownDigest && image.manifestDigest !== unknownDigest;
    pinned.push(isPinned ? app : { ...app, image: await pin(image, locate) });
  }
  return pinned;
}

async function pin(
  { reference, digest: declared }: AppSpec["image"],
  locate: LocateApp,
): Promise<AppSpec["image"]> {
  const asked = declared === unknownDigest ? undefined : parseDigest(declared);
  const { found } = await locate(parseImageRef(reference), asked);
  const { digest, manifestDigest } = found;
  return { reference: canonicalSource(reference), digest, manifestDigest };
}
