/**
 * Whether the unpacked root tree of an image is kept.
 *
 * @module
 */

import type { CloneKind } from "../trees/tree.ts";
import type { ImageTrees } from "../config/host_config.ts";

/**
 * Whether a tree is stored for the next machine of its image. Where a clone is
 * free, it is: the first machine is a clone of it, too. Where every clone is a copy
 * in full, a tree would double the space of each image, and its first machine
 * would wait for that copy: applying the layers anew costs no more disk, so it
 * is stored only on request.
 */
export function storesTrees(cloning: CloneKind, setting: ImageTrees): boolean {
  if (setting === "auto") return cloning !== "copy";
  return setting === "always";
}
