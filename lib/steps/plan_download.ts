/**
 * Unpacking an image into a root tree that is no machine.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import type { FoundImage } from "../image/found_image.ts";
import { formatImageRef } from "../image/reference.ts";
import type { Step } from "./step.ts";

/**
 * The steps that give the root tree `tree` and `tree.config.json`. The tree is
 * the last to appear; an earlier run's hidden names are overwritten.
 *
 * @returns the steps, and those that clear away after a failure.
 */
export function planDownload(
  tree: string,
  image: FoundImage,
): { readonly steps: readonly Step[]; readonly undo: readonly Step[] } {
  const reference = formatImageRef(image.ref);
  const staged = stagedDownload(tree);
  const config = `${tree}.config.json`;
  const remove = (path: string): Step => ({ kind: "remove", path });
  return {
    steps: [
      remove(staged),
      { kind: "unpack-image", image: reference, tree: staged },
      { kind: "sync", path: staged },
      { kind: "write-file", path: config, text: image.configText, mode: 0o644 },
      { kind: "move", from: staged, to: tree },
      { kind: "remember-image", image: reference },
    ],
    undo: [remove(staged), remove(config)],
  };
}

/** Where a download is prepared; it is there only while one is under way, or was killed. */
export function stagedDownload(tree: string): string {
  return join(dirname(tree), `.mbctl-new.${basename(tree)}`);
}
