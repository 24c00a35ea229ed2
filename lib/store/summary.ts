/**
 * A store in numbers: what each image takes, alone and with others.
 *
 * @module
 */

import type { Digest } from "../image/digest.ts";
import type { ImageContents, StoreContents, TreeContents } from "./contents.ts";
import { blobsOf } from "./prune.ts";

/** Things of one kind. */
export interface Total {
  readonly count: number;
  /** What they take on the disk. */
  readonly bytes: number;
}

/** An image and what it takes on the disk. */
export interface ImageSummary {
  readonly image: ImageContents;
  /** Its blobs that no other image has. */
  readonly ownBytes: number;
  /** Its blobs that others have, too. */
  readonly sharedBytes: number;
  /** Its unpacked tree, if that is stored. */
  readonly tree: TreeContents | undefined;
}

export interface StoreSummary {
  readonly images: readonly ImageSummary[];
  readonly blobs: Total;
  readonly trees: Total;
  /** Downloads under way, or broken off. */
  readonly unfinished: Total;
  /** What the next prune removes whatever is to be kept. */
  readonly litter: Total;
}

/** Sums a store up; images in the order of their first references. */
export function summarizeStore(contents: StoreContents): StoreSummary {
  const { images, blobs, trees, partials, litter } = contents;
  const bytesOf = new Map(blobs.map((blob) => [blob.digest, blob.allocatedBytes]));
  const owners = new Map<Digest, number>();
  for (const image of images) {
    for (const digest of new Set(blobsOf(image))) owners.set(digest, (owners.get(digest) ?? 0) + 1);
  }
  const sumOf = (image: ImageContents, isMeant: (owners: number) => boolean) =>
    [...new Set(blobsOf(image))]
      .filter((digest) => isMeant(owners.get(digest) ?? 0))
      .reduce((sum, digest) => sum + (bytesOf.get(digest) ?? 0), 0);
  return {
    images: images
      .map((image) => ({
        image,
        ownBytes: sumOf(image, (count) => count === 1),
        sharedBytes: sumOf(image, (count) => count > 1),
        tree: trees.find(({ chain }) => chain === image.chain),
      }))
      .sort((a, b) => (nameOf(a.image) < nameOf(b.image) ? -1 : 1)),
    blobs: totalOf(blobs),
    trees: totalOf(trees),
    unfinished: totalOf(partials),
    litter: totalOf(litter),
  };
}

function totalOf(things: readonly { readonly allocatedBytes: number }[]): Total {
  const bytes = things.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  return { count: things.length, bytes };
}

/** Images without a name stand last. */
function nameOf({ references, manifestDigest }: ImageContents): string {
  return references[0]?.reference ?? `~${manifestDigest}`;
}
