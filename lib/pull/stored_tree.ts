/**
 * The root tree of an image in the store: whether there is one, and making it.
 *
 * @module
 */

import { nearestFolder, syncFileSystemOf } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { removeTree } from "../trees/remove_tree.ts";
import { cloneKind, sealTree } from "../trees/tree.ts";
import { chainId } from "../image/chain_id.ts";
import type { FoundImage } from "../image/found_image.ts";
import { treePath } from "../store/paths.ts";
import type { Store } from "../store/store.ts";
import { storesTrees } from "../store/tree_policy.ts";
import { beginTree, findTree, touchTree, type TreeTools } from "../store/trees.ts";
import type { TreeSource } from "../steps/plan_tree.ts";
import { type UnpackTools, unpackImage } from "./unpack_image.ts";

/** Where a machine's root tree comes from, as the file system and config.toml want it. */
export function treeSource(host: Host, store: Store, { config }: FoundImage): TreeSource {
  const chain = chainId(config.diffIds);
  const path = treePath(store.paths, chain);
  if (findTree(store, chain) !== undefined) return { kind: "stored", path, isThere: true };
  const cloning = cloneKind(nearestFolder(store.paths.machineTrees));
  if (!storesTrees(cloning, host.config.imageTrees)) return { kind: "layers" };
  return { kind: "stored", path, isThere: false };
}

/** How the store handles trees. */
const treeTools: TreeTools = {
  // unpackImage() makes the tree, anew at each attempt.
  make() {},
  seal: sealTree,
  remove: removeTree,
  sync: syncFileSystemOf,
};

/**
 * Unpacks an image into the store's tree, unless it is there; waits while another mbctl does it.
 *
 * @throws as {@linkcode unpackImage}.
 */
export async function storeTree(tools: UnpackTools, onWait: (text: string) => void): Promise<void> {
  const { store, located, signal } = tools;
  const { config, manifestDigest } = located.found;
  const staged = await beginTree(store, chainId(config.diffIds), treeTools, { signal, onWait });
  if (staged === "present") return;
  await using held = staged;
  const { entries, allocatedBytes } = await unpackImage(tools, held.path);
  await held.commit({ manifestDigest, entries, allocatedBytes });
}

/** Notes that the stored tree was used, if there is one. */
export function touchStoredTree({ store, located }: UnpackTools): void {
  touchTree(store, chainId(located.found.config.diffIds), Date.now());
}
