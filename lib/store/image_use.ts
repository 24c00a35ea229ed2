/**
 * Which images the machines of a host use.
 *
 * @module
 */

import { join } from "node:path";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import { type Digest, whyNoDigest } from "../image/digest.ts";
import { foldersBelow } from "../paths.ts";

/** What one machine uses. */
export interface ImageUse {
  readonly machine: string;
  /** Every digest that its machine.toml names: of the index, of the manifest. */
  readonly digests: readonly Digest[];
}

/**
 * Reads what all machines use. Digests are taken from the text: a machine.toml
 * that cannot be parsed any more still keeps its image from being removed.
 */
export function readImageUses(root: string): ImageUse[] {
  const { configurations } = foldersBelow(root);
  // Hidden names too: a machine that is being made, or whose making was killed, has its image.
  return listDirectory(configurations).flatMap((machine) => {
    const text = readTextIfPresent(join(configurations, machine, "machine.toml"));
    return text === undefined ? [] : [{ machine, digests: digestsIn(text) }];
  });
}

function digestsIn(text: string): Digest[] {
  const found = text.match(/\bsha(?:256|512):[0-9a-f]+/g) ?? [];
  return [...new Set(found)].flatMap((digest) =>
    whyNoDigest(digest) === undefined ? [digest as Digest] : [],
  );
}
