/**
 * What names the root tree that a stack of layers gives (OCI image-spec,
 * config.md, "Layer ChainID").
 *
 * @module
 */

import { type Digest, digestOf } from "./digest.ts";

/**
 * The ChainID of the top layer: two images with the same layers in the same order
 * have the same root tree, whatever their configurations say.
 *
 * @param diffIds digests of the layers' plain tar streams, lowest first. The
 * specification names no ChainID for no layers: here it is the digest of nothing.
 */
export function chainId(diffIds: readonly Digest[]): Digest {
  const [lowest, ...others] = diffIds;
  if (lowest === undefined) return digestOf("");
  return others.reduce((chain, diffId) => digestOf(`${chain} ${diffId}`), lowest);
}
