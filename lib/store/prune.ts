/**
 * What is to be removed from a store: mark and sweep, from the references that
 * stay and the machines.
 *
 * @module
 */

import type { Digest } from "../image/digest.ts";
import type { ImageContents, StoreContents, TreeContents } from "./contents.ts";

export interface PruneOptions {
  readonly nowMs: number;
  /** Keep what was used in the last so many days; default 0, or, with a size, everything that fits. */
  readonly keepDays?: number | undefined;
  /** Remove images, those used longest ago first, until the store takes no more than this. */
  readonly maxSizeBytes?: number | undefined;
  /** Fresh downloads, too: all that no machine uses. */
  readonly everything?: boolean | undefined;
}

/** One thing to remove, and why. */
export interface Removal {
  readonly kind: "reference" | "blob" | "tree" | "partial" | "litter-file" | "litter-tree";
  readonly path: string;
  /** What a person calls it: a reference, a digest, or its path. */
  readonly name: string;
  /** The ChainID of a tree. */
  readonly chain?: Digest | undefined;
  /** What it takes on the disk. */
  readonly bytes: number;
  /** `no machine uses it`. */
  readonly why: string;
}

export interface PrunePlan {
  /** In this order: no name ever leads to something that is gone already. */
  readonly removals: readonly Removal[];
  readonly freedBytes: number;
  /** What is left, in bytes. */
  readonly leftBytes: number;
}

const dayMs = 24 * 3600 * 1000;
/** A download that broke off is worth keeping for so long: it will be tried again. */
const keepPartialDays = 1;

/**
 * Plans a clearing. What a machine uses is never in it: its manifest, the index
 * that led there, its configuration and layers, and the tree that they give.
 */
export function planPrune(contents: StoreContents, options: PruneOptions): PrunePlan {
  const { maxSizeBytes, everything = false, nowMs } = options;
  const keepDays = options.keepDays ?? (maxSizeBytes === undefined ? 0 : Number.POSITIVE_INFINITY);
  const isOld = (ms: number, days: number) => days === 0 || nowMs - ms >= days * dayMs;
  const unused = contents.images
    .filter(({ machines }) => machines.length === 0)
    .sort((a, b) => a.usedMs - b.usedMs || (a.manifestDigest < b.manifestDigest ? -1 : 1));
  const isDoomed = ({ usedMs }: ImageContents) => everything || isOld(usedMs, keepDays);
  const doomed = new Set(unused.filter(isDoomed));
  const plan = () =>
    sweep(contents, doomed, (what, ms) => {
      if (everything) return true;
      if (what === "partial") return isOld(ms, Math.max(keepPartialDays, options.keepDays ?? 0));
      // Layers of a pull that broke off are worth as much as its last one, if anything is to be kept.
      return isOld(ms, options.keepDays ?? 0);
    });
  let result = plan();
  for (const image of unused) {
    if (maxSizeBytes === undefined || result.leftBytes <= maxSizeBytes) break;
    if (doomed.has(image)) continue;
    doomed.add(image);
    result = plan();
  }
  return result;
}

function sweep(
  contents: StoreContents,
  doomed: ReadonlySet<ImageContents>,
  isStale: (what: "blob" | "partial", modifiedMs: number) => boolean,
): PrunePlan {
  const { references, images, blobs, trees, partials, litter, used } = contents;
  const kept = images.filter((image) => !doomed.has(image));
  const marked = new Set<Digest>([...used, ...kept.flatMap(blobsOf)]);
  const keptChains = new Set(kept.map(({ chain }) => chain));
  const rank = ranks(images);
  const known = new Set(images.flatMap(blobsOf));
  const isNeeded = ({ chain, machines }: TreeContents) =>
    machines.length > 0 || keptChains.has(chain);

  const removals: Removal[] = [
    ...[...doomed].flatMap((image) =>
      image.references.map((file): Removal => ({
        kind: "reference",
        path: file.path,
        name: file.reference,
        bytes: file.allocatedBytes,
        why: "no machine uses it",
      })),
    ),
    ...blobs
      .filter(({ digest }) => !marked.has(digest))
      .filter(({ digest, modifiedMs }) => known.has(digest) || isStale("blob", modifiedMs))
      .sort((a, b) => (rank.get(a.digest) ?? 9) - (rank.get(b.digest) ?? 9))
      .map((blob): Removal => ({
        kind: "blob",
        path: blob.path,
        name: blob.digest,
        bytes: blob.allocatedBytes,
        why: known.has(blob.digest) ? "no machine uses it" : "no reference leads to it",
      })),
    ...trees
      .filter((tree) => !isNeeded(tree))
      .map((tree): Removal => ({
        kind: "tree",
        path: tree.path,
        name: tree.chain,
        chain: tree.chain,
        bytes: tree.allocatedBytes,
        why: "no machine uses it",
      })),
    ...partials
      .filter(({ modifiedMs }) => isStale("partial", modifiedMs))
      .map((file): Removal => ({
        kind: "partial",
        path: file.path,
        name: file.digest,
        bytes: file.allocatedBytes,
        why: "its download broke off",
      })),
    ...litter.map((file): Removal => ({
      kind: file.kind === "tree" ? "litter-tree" : "litter-file",
      path: file.path,
      name: file.path,
      bytes: file.allocatedBytes,
      why: "a stopped run left it",
    })),
  ];
  const freedBytes = sum(removals.map(({ bytes }) => bytes));
  const all = [...references, ...blobs, ...trees, ...partials, ...litter];
  const totalBytes = sum(all.map(({ allocatedBytes }) => allocatedBytes));
  return { removals, freedBytes, leftBytes: totalBytes - freedBytes };
}

/** Indexes go before manifests, these before configurations, these before layers. */
function ranks(images: readonly ImageContents[]): Map<Digest, number> {
  const rank = new Map<Digest, number>();
  for (const { documents, config, layers, manifestDigest } of images) {
    for (const digest of layers) rank.set(digest, 3);
    if (config !== undefined) rank.set(config, 2);
    for (const digest of documents) rank.set(digest, digest === manifestDigest ? 1 : 0);
  }
  return rank;
}

/** Every blob of an image. */
export function blobsOf({ documents, config, layers }: ImageContents): Digest[] {
  return [...documents, ...(config === undefined ? [] : [config]), ...layers];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
