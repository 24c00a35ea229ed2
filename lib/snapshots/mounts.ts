/**
 * Folders in which something is mounted: they can neither be cloned as a whole nor moved away.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { mountsBelow } from "../trees/remove_tree.ts";

/**
 * Wants nothing to be mounted at or below folders.
 *
 * @param what is to be done with them: "clone", "move".
 * @throws {MbctlError} (conflict) naming the first mount.
 */
export function requireNoMounts(folders: readonly string[], what: string): void {
  for (const folder of folders) {
    const [mounted] = mountsBelow(folder);
    if (mounted === undefined) continue;
    throw new MbctlError("conflict", `Cannot ${what} "${folder}": ${mounted} is mounted in it`, {
      hint: "keep what lies there as a volume of its own: a folder of the host, which no snapshot touches",
    });
  }
}
