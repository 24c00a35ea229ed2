/**
 * Comparing everything in a store with what it is said to be.
 *
 * @module
 */

import { removeFile } from "../host/files.ts";
import { interrupted } from "../host/run.ts";
import { chainId } from "../image/chain_id.ts";
import type { Digest } from "../image/digest.ts";
import { parseImageRef } from "../image/reference.ts";
import { checkBlob, listBlobs } from "./blobs.ts";
import { findStoredDigest, type StoredImage } from "./images.ts";
import { listReferences, removeReference, type StoredReference } from "./references.ts";
import { isOpen, type Store } from "./store.ts";
import { listTrees, removeTreeOf, type StoredTree, type TreeTools } from "./trees.ts";

export interface VerifyOptions {
  readonly tools: Pick<TreeTools, "remove">;
  /**
   * Compares a stored tree with its layers.
   *
   * @returns what is wrong with it, or undefined.
   */
  readonly checkTree?:
    ((tree: StoredTree, image: StoredImage) => Promise<string | undefined>) | undefined;
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was found. */
export interface VerifyReport {
  readonly blobs: number;
  readonly bytes: number;
  readonly damagedBlobs: readonly Digest[];
  readonly references: number;
  /** References whose manifest or configuration is not there, and files that are none. */
  readonly damagedReferences: readonly string[];
  /** References to images of which layers are missing: they are fetched when they are needed. */
  readonly incomplete: readonly { readonly reference: string; readonly missing: number }[];
  readonly trees: readonly {
    readonly chain: Digest;
    readonly state: "right" | "damaged" | "unchecked";
    /** What is wrong, or why it could not be checked. */
    readonly why?: string;
  }[];
}

/**
 * Verifies a store. What is damaged is thrown out of an open store; of any other
 * it is only reported.
 *
 * @throws {MbctlError} (interrupted).
 */
export async function verifyStore(
  store: Store,
  { tools, checkTree, onProgress, signal }: VerifyOptions,
): Promise<VerifyReport> {
  const { blobs } = listBlobs(store);
  const bytes = blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const damagedBlobs: Digest[] = [];
  let done = 0;
  for (const { digest } of blobs) {
    const state = await checkBlob(
      store,
      { digest },
      {
        signal,
        onBytes(more) {
          done += more;
          onProgress?.(done, bytes);
        },
      },
    );
    if (state === "damaged") damagedBlobs.push(digest);
  }

  const { references, damaged } = listReferences(store);
  if (isOpen(store)) for (const { path } of damaged) removeFile(path);
  const damagedReferences = damaged.map(({ path }) => path);
  const incomplete: { reference: string; missing: number }[] = [];
  const images: StoredImage[] = [];
  for (const noted of references) {
    const image = resolve(store, noted);
    if (image === undefined) {
      store.onDamage(`what ${noted.reference} named is not in the store any more, or damaged`);
      if (isOpen(store)) removeReference(store, noted.reference);
      damagedReferences.push(noted.reference);
      continue;
    }
    images.push(image);
    const missing = image.missing.length;
    if (missing > 0) incomplete.push({ reference: noted.reference, missing });
  }

  const trees: VerifyReport["trees"][number][] = [];
  for (const tree of listTrees(store).trees) {
    if (signal?.aborted) throw interrupted();
    const image = images.find(
      ({ config, missing }) => missing.length === 0 && chainId(config.diffIds) === tree.chain,
    );
    const { chain } = tree;
    if (image === undefined || checkTree === undefined) {
      const why = image === undefined ? "its layers are not in the store" : "nothing compared it";
      trees.push({ chain, state: "unchecked", why });
      continue;
    }
    const why = await checkTree(tree, image);
    trees.push(why === undefined ? { chain, state: "right" } : { chain, state: "damaged", why });
    if (why === undefined) continue;
    store.onDamage(`the stored tree ${tree.path} is damaged: ${why}`);
    if (isOpen(store)) await removeTreeOf(store, chain, tools);
  }
  return {
    blobs: blobs.length,
    bytes,
    damagedBlobs,
    references: references.length,
    damagedReferences,
    incomplete,
    trees,
  };
}

function resolve(store: Store, noted: StoredReference): StoredImage | undefined {
  const { reference, digest, manifestDigest, platform } = noted;
  const image = findStoredDigest(store, parseImageRef(reference), digest, platform);
  return image?.manifestDigest === manifestDigest ? image : undefined;
}
