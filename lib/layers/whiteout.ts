/**
 * Whiteouts (OCI image-spec, layer.md): names that hide what lower layers left.
 * What the same layer brings stays, wherever in the layer the whiteout stands.
 *
 * @module
 */

import type { DirectoryNode } from "./directory_node.ts";
import { opaqueMarker, whiteoutPrefix } from "./entry_name.ts";
import { LayerError } from "./layer_error.ts";
import { findDirectory } from "./resolve.ts";
import type { RootDirectories } from "./root_directories.ts";

/**
 * Carries out a whiteout. What it hides may be missing: then it hides nothing.
 *
 * @param parent the path of its directory.
 * @param base its name: begins with `.wh.`.
 * @throws {LayerError} when it names nothing that could be hidden.
 */
export function applyWhiteout(tree: RootDirectories, parent: string, base: string): void {
  const hidden = base.slice(whiteoutPrefix.length);
  // `.wh...` would be one of `..`, the parent of the tree if need be.
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw new LayerError("it is a whiteout of no name that a file can have");
  }
  const node = findDirectory(tree, parent);
  if (node === undefined) return;
  const child = node.children?.get(hidden);
  if (base === opaqueMarker) hideLower(tree, node);
  else if (child?.touchedBy === tree.layer) hideLower(tree, child);
  else if (child !== undefined || !tree.isMarked(node, hidden)) tree.remove(node, hidden);
}

/** Removes from a directory what the layer at hand has not touched. */
function hideLower(tree: RootDirectories, node: DirectoryNode): void {
  // Below the first layer is nothing.
  if (tree.layer === 0) return;
  for (const child of [...(node.children?.values() ?? [])]) {
    if (child.touchedBy === tree.layer) hideLower(tree, child);
    else tree.removeDirectory(child);
  }
  tree.removeFiles(node, (name) => !tree.isMarked(node, name));
}
