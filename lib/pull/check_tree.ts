/**
 * Whether a stored tree still is what its layers say.
 *
 * @module
 */

import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { compareTrees } from "../trees/compare_trees.ts";
import { removeTree } from "../trees/remove_tree.ts";
import type { Spawn } from "../host/spawn.ts";
import { makeTree } from "../trees/tree.ts";
import { applyLayers } from "../layers/apply_layers.ts";
import type { StoredImage } from "../store/images.ts";
import { blobPath, stagedTreePrefix } from "../store/paths.ts";
import { freshName } from "../store/staged_file.ts";
import type { OpenStore } from "../store/store.ts";
import type { StoredTree } from "../store/trees.ts";

/**
 * Unpacks the layers anew beside a stored tree, and compares the two.
 *
 * @returns what is wrong with the tree, or undefined.
 * @throws {MbctlError} (host) when the disk is full, (interrupted).
 */
export async function checkTree(
  store: OpenStore,
  tree: StoredTree,
  { manifest, config }: StoredImage,
  { spawn, signal }: { readonly spawn: Spawn; readonly signal?: AbortSignal | undefined },
): Promise<string | undefined> {
  const anew = join(store.paths.trees, freshName(stagedTreePrefix(tree.chain)));
  try {
    makeTree(anew);
    const layers = manifest.layers.map((layer, place) => ({
      ...layer,
      diffId: config.diffIds[place] ?? layer.digest,
      open: async () => ({ path: blobPath(store.paths, layer.digest) }),
    }));
    try {
      await applyLayers(layers, anew, { spawn, signal });
    } catch (error) {
      // A tree that its layers cannot give is wrong, whatever is in it.
      if (!(error instanceof MbctlError) || error.kind !== "usage") throw error;
      return error.message;
    }
    return await compareTrees(tree.path, anew, signal);
  } finally {
    removeTree(anew);
  }
}
