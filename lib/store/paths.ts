/**
 * Where the store lies.
 *
 * ```text
 * /var/cache/mbctl/blobs/sha256/HEX              layers, manifests, configurations
 * /var/cache/mbctl/partial/sha256-HEX            downloads under way, or broken off
 * /var/cache/mbctl/references/NAME.json          what a reference named when it was last asked for
 * /var/lib/man8machines/.mbctl-trees/sha256-HEX  unpacked root trees, by ChainID, each with a .json beside it
 * /run/mbctl/lock/.store.lock                    shared while the store is used, exclusive while it is pruned
 * ```
 *
 * Names that begin with `.mbctl-` are of work under way: litter, when nobody works.
 *
 * @module
 */

import { join } from "node:path";
import { type Digest, digestAlgorithm, digestHex, whyNoDigest } from "../image/digest.ts";
import { foldersBelow } from "../paths.ts";

/** The folders and the lock of a store. */
export interface StorePaths {
  /** /var/cache/mbctl */
  readonly cache: string;
  readonly blobs: string;
  readonly partial: string;
  readonly references: string;
  /** /var/lib/man8machines: trees can only be cloned on the machines' own file system. */
  readonly machineTrees: string;
  readonly trees: string;
  readonly locks: string;
  readonly lock: string;
}

/** The paths below `root`. */
export function storePaths(root: string): StorePaths {
  const { cache, trees, locks } = foldersBelow(root);
  return {
    cache,
    blobs: join(cache, "blobs"),
    partial: join(cache, "partial"),
    references: join(cache, "references"),
    machineTrees: trees,
    trees: join(trees, ".mbctl-trees"),
    locks,
    lock: join(locks, ".store.lock"),
  };
}

/** Where a verified blob lies: as in an OCI layout. */
export function blobPath(paths: StorePaths, digest: Digest): string {
  return join(paths.blobs, digestAlgorithm(digest), digestHex(digest));
}

/** Where a blob lies while it is downloaded. */
export function partialPath(paths: StorePaths, digest: Digest): string {
  return join(paths.partial, digestFileName(digest));
}

/** Where the root tree of a stack of layers lies. */
export function treePath(paths: StorePaths, chain: Digest): string {
  return join(paths.trees, digestFileName(chain));
}

/** What is known of the tree: beside it, so that clones of it are free of it. */
export function treeFactsPath(paths: StorePaths, chain: Digest): string {
  return `${treePath(paths, chain)}.json`;
}

/** Held by who makes the tree. */
export function treeLockPath(paths: StorePaths, chain: Digest): string {
  return join(paths.locks, `.tree-${digestHex(chain)}.lock`);
}

/** Everything that one making of a tree leaves behind when it is killed begins so. */
export function stagedTreePrefix(chain: Digest): string {
  return `${ours}new.${digestHex(chain)}.`;
}

/** How all names of work under way begin. */
export const ours = ".mbctl-";

/** A digest as a file's name: `sha256-HEX`. */
export function digestFileName(digest: Digest): string {
  return digest.replace(":", "-");
}

/** The digest of such a name, or undefined for any other name. */
export function digestOfFileName(name: string): Digest | undefined {
  const digest = name.replace("-", ":");
  return whyNoDigest(digest) === undefined ? (digest as Digest) : undefined;
}
