/** What the tests of the store share: a root of its own, made-up images, plain trees. */

import { afterEach, beforeEach } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chainId } from "../../lib/image/chain_id.ts";
import type { BlobId } from "../../lib/image/blob_source.ts";
import { type Digest, digestOf } from "../../lib/image/digest.ts";
import * as media from "../../lib/image/media_types.ts";
import { formatImageRef, parseImageRef } from "../../lib/image/reference.ts";
import { writeBlob } from "../../lib/store/blobs.ts";
import { beginBlob, type PartialBlob } from "../../lib/store/partial_blob.ts";
import { type StorePaths, storePaths } from "../../lib/store/paths.ts";
import { type NamedImage, touchUsed, writeReference } from "../../lib/store/references.ts";
import { type LockOptions, type OpenStore, openStore } from "../../lib/store/store.ts";
import { beginTree, type StagedTree, type TreeTools } from "../../lib/store/trees.ts";

export const platform = { os: "linux", architecture: "amd64" } as const;

/** Trees as plain folders. */
export const plainTrees: TreeTools = {
  make: (path) => mkdirSync(path, { mode: 0o700 }),
  seal: () => {},
  remove: (path) => rmSync(path, { recursive: true, force: true }),
  sync: () => {},
};

/** A store below a temporary root, new for each test of a file. */
export interface Workshop {
  readonly root: string;
  readonly paths: StorePaths;
  /** What was reported as damaged. */
  readonly damage: string[];
  open(kind?: "shared" | "exclusive"): Promise<OpenStore>;
  /** All names in the store that stand for work under way or broken off. */
  leftovers(): string[];
}

/** @param base where it is made; tests of sizes want a file system that they know. */
export function workshop(base: string = tmpdir()): Workshop {
  let root = "";
  const damage: string[] = [];
  beforeEach(() => {
    root = mkdtempSync(join(base, "mbctl-store-"));
    damage.length = 0;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  return {
    get root() {
      return root;
    },
    get paths() {
      return storePaths(root);
    },
    damage,
    open: (kind = "shared") => openStore(root, kind, { onDamage: (text) => damage.push(text) }),
    leftovers: () => leftovers(root),
  };
}

/** Partial downloads and hidden names of a store, and files of locks. */
export function leftovers(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /(^|\/)(\.mbctl-new|\.tree-)|cache\/mbctl\/partial\/./.test(path))
    .sort();
}

/** Bytes that look random and are the same in each run. */
export function bytesOf(seed: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0, block = digestOf(seed); at < length; at += 64, block = digestOf(block)) {
    bytes.set(Buffer.from(block.slice(7)).subarray(0, Math.min(64, length - at)), at);
  }
  return bytes;
}

/** A made-up image. Layers are told by their seeds: the same seed is the same layer. */
export interface MadeImage {
  readonly named: NamedImage;
  readonly chain: Digest;
  readonly manifest: Digest;
  readonly index: Digest;
  readonly config: Digest;
  readonly layers: readonly Digest[];
}

export interface ImageOptions {
  readonly layers: readonly string[];
  readonly layerBytes?: number;
  readonly usedMs?: number;
  /** Stored as well as said. */
  readonly withTree?: boolean;
}

/** Stores an image with an index in front of it, its reference last. */
export async function storeImage(
  store: OpenStore,
  reference: string,
  { layers: seeds, layerBytes = 5000, usedMs = Date.now(), withTree = false }: ImageOptions,
): Promise<MadeImage> {
  const layers = seeds.map((seed) => bytesOf(seed, layerBytes));
  const diffIds = seeds.map((seed) => digestOf(`plain ${seed}`));
  for (const layer of layers) await storeLayer(store, layer);
  const config = put(store, {
    ...platform,
    config: { Labels: { reference } },
    rootfs: { type: "layers", diff_ids: diffIds },
  });
  const manifest = put(store, {
    schemaVersion: 2,
    mediaType: media.ociManifest,
    config: { mediaType: media.ociConfig, digest: config.digest, size: config.size },
    layers: layers.map((layer) => ({
      mediaType: `${media.ociLayer}+gzip`,
      digest: digestOf(layer),
      size: layer.length,
    })),
  });
  const index = put(store, {
    schemaVersion: 2,
    mediaType: media.ociIndex,
    manifests: [{ mediaType: media.ociManifest, ...manifest, platform }],
  });
  const ref = parseImageRef(reference);
  const named: NamedImage = {
    reference: formatImageRef(ref),
    digest: index.digest,
    manifestDigest: manifest.digest,
    platform,
    resolvedMs: usedMs,
  };
  writeReference(store, ref, named);
  touchUsed(store, named.reference, usedMs);
  const chain = chainId(diffIds);
  if (withTree) await storeTree(store, chain, manifest.digest);
  return {
    named,
    chain,
    manifest: manifest.digest,
    index: index.digest,
    config: config.digest,
    layers: layers.map((layer) => digestOf(layer)),
  };
}

/** Begins a blob that is known not to be there. */
export async function stageBlob(
  store: OpenStore,
  blob: BlobId,
  options: LockOptions = {},
): Promise<PartialBlob> {
  const partial = await beginBlob(store, blob, options);
  if (partial === "present") throw new Error("the blob is there already");
  return partial;
}

/** Downloads a layer as it were. */
export async function storeLayer(store: OpenStore, bytes: Uint8Array): Promise<void> {
  const partial = await beginBlob(store, { digest: digestOf(bytes), sizeBytes: bytes.length });
  if (partial === "present") return;
  partial.restart();
  partial.append(bytes);
  partial.commit();
}

/** Begins a tree that is known not to be there. */
export async function stageTree(
  store: OpenStore,
  chain: Digest,
  tools: TreeTools = plainTrees,
): Promise<StagedTree> {
  const tree = await beginTree(store, chain, tools);
  if (tree === "present") throw new Error("the tree is there already");
  return tree;
}

/** Stores a tree with one file in it. */
export async function storeTree(store: OpenStore, chain: Digest, manifest: Digest): Promise<void> {
  const tree = await beginTree(store, chain, plainTrees);
  if (tree === "present") return;
  await Bun.write(join(tree.path, "file"), chain);
  await tree.commit({ manifestDigest: manifest, entries: 1, allocatedBytes: 4096 });
}

function put(store: OpenStore, document: object): { digest: Digest; size: number } {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = digestOf(bytes);
  writeBlob(store, digest, bytes);
  return { digest, size: bytes.length };
}
