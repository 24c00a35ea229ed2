/**
 * What an image's layers tell of the system in them, from the store or the registry; nothing is kept.
 *
 * @module
 */

import { createReadStream, lstatSync, readFileSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import { interrupted } from "../host/run.ts";
import { chainId } from "../image/chain_id.ts";
import { damaged } from "../image/found_image.ts";
import type { LayerDescriptor } from "../image/manifest.ts";
import { plainBytes } from "../layers/plain_bytes.ts";
import { readEntries } from "../layers/read_entries.ts";
import {
  isOsRelease,
  managerPaths,
  osReleasePaths,
  type TreeFacts,
  TreeFactsReader,
} from "../mode/tree_facts.ts";
import { hasBlob } from "../store/blobs.ts";
import { blobPath, treePath } from "../store/paths.ts";
import type { Store } from "../store/store.ts";
import { findTree } from "../store/trees.ts";
import { resolveInside } from "../trees/root_tree.ts";
import type { LocatedImage } from "./locate_image.ts";

export interface TreeFactsTools {
  readonly store: Store;
  readonly located: LocatedImage;
  readonly signal?: AbortSignal | undefined;
}

/** An os-release is some hundred bytes long. */
const maxTextBytes = 64 * 1024;
/** A layer of zeros must not keep us for hours. */
const maxPlainBytes = 32 * 1024 ** 3;

/** How many bytes would have to be fetched to read all layers, compressed. */
export function missingBytes({ store, located }: TreeFactsTools): number {
  if (findTree(store, chainId(located.found.config.diffIds)) !== undefined) return 0;
  const missing = located.found.manifest.layers.filter((layer) => !hasBlob(store, layer));
  return missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/**
 * Reads the tree that the store has of the image, or else layers, the topmost first, until the facts are known.
 *
 * @throws {MbctlError} as `located.blobs()`, (usage) when a layer cannot be read, (interrupted).
 */
export async function readTreeFacts(tools: TreeFactsTools): Promise<TreeFacts> {
  const { store, located, signal } = tools;
  const reader = new TreeFactsReader();
  const chain = chainId(located.found.config.diffIds);
  if (findTree(store, chain) !== undefined) {
    takeTree(treePath(store.paths, chain), reader);
    return reader.facts;
  }
  for (const layer of located.found.manifest.layers.toReversed()) {
    try {
      await readLayer(tools, layer, reader);
    } catch (error) {
      if (signal?.aborted) throw interrupted();
      if (error instanceof MbctlError) throw error;
      const message = `Cannot read layer ${JSON.stringify(layer.digest)}: ${(error as Error).message}`;
      throw new MbctlError("usage", message, { hint: damaged, cause: error });
    }
    if (reader.isKnown) break;
    reader.endLayer();
  }
  return reader.facts;
}

/** A tree of the store: nobody writes to it. */
function takeTree(tree: string, reader: TreeFactsReader): void {
  for (const name of [...managerPaths, ...osReleasePaths]) {
    const { hostPath, exists } = resolveInside(tree, name);
    const status = exists ? lstatSync(hostPath) : undefined;
    if (status?.isFile() !== true) continue;
    const entry = { type: "file", name, linkName: "" };
    const isText = isOsRelease(entry) && status.size <= maxTextBytes;
    reader.take(entry, isText ? readFileSync(hostPath, "latin1") : "");
  }
}

/** Reads a layer from the first place that has it whole: what one has given counts, as it is the same layer everywhere. */
async function readLayer(
  tools: TreeFactsTools,
  layer: LayerDescriptor,
  reader: TreeFactsReader,
): Promise<void> {
  const { store, located, signal } = tools;
  if (hasBlob(store, layer)) {
    const stored = createReadStream(blobPath(store.paths, layer.digest));
    return await takeEntries(stored, layer, reader);
  }
  const sources = await located.blobs();
  for (const [place, source] of sources.entries()) {
    try {
      const { chunks } = await source.open(layer, 0, signal);
      return await takeEntries(chunks, layer, reader);
    } catch (error) {
      if (signal?.aborted || place === sources.length - 1) throw error;
    }
  }
}

async function takeEntries(
  bytes: AsyncIterable<Uint8Array>,
  { sizeBytes }: LayerDescriptor,
  reader: TreeFactsReader,
): Promise<void> {
  const options = { wantsText: isOsRelease, maxTextBytes, maxPlainBytes };
  for await (const { entry, text } of readEntries(plainBytes(bytes, sizeBytes), options)) {
    reader.take(entry, text);
    if (reader.isKnown) return;
  }
}
