/**
 * All that a store holds, and what each thing is needed for.
 *
 * @module
 */

import { join } from "node:path";
import { listDirectory } from "../host/files.ts";
import { parseImageConfigText } from "../image/config.ts";
import { chainId } from "../image/chain_id.ts";
import type { Digest } from "../image/digest.ts";
import type { ImageManifest } from "../image/manifest.ts";
import type { Platform } from "../image/platform.ts";
import { hasBlob, listBlobs, readVerified, type StoredBlob } from "./blobs.ts";
import { readDocument } from "./images.ts";
import type { ImageUse } from "./image_use.ts";
import { digestOfFileName } from "./paths.ts";
import { listReferences, type StoredReference } from "./references.ts";
import type { Store } from "./store.ts";
import { measureTree, statFile, statusOf, type StoredFile } from "./stored_file.ts";
import { listTrees, type StoredTree } from "./trees.ts";

/** An image that a reference names, or that a machine uses. */
export interface ImageContents {
  readonly manifestDigest: Digest;
  readonly platform: Platform | undefined;
  readonly references: readonly StoredReference[];
  /** Machines made of it, by name. */
  readonly machines: readonly string[];
  /** Indexes and manifest, in the order in which they are followed. */
  readonly documents: readonly Digest[];
  readonly config: Digest | undefined;
  /** Lowest first, none twice. */
  readonly layers: readonly Digest[];
  /** What a download of its layers would fetch in all. */
  readonly layersSizeBytes: number;
  /** Its layers that the store lacks. */
  readonly missing: readonly Digest[];
  /** The ChainID of its layers: names its tree, if that is stored. */
  readonly chain: Digest | undefined;
  /** The newest use of its references; 0 when it has none. */
  readonly usedMs: number;
}

export interface TreeContents extends StoredTree {
  /** Machines made of images that have this tree. */
  readonly machines: readonly string[];
}

export interface PartialContents extends StoredFile {
  readonly digest: Digest;
}

export interface Litter extends StoredFile {
  readonly kind: "file" | "tree";
}

export interface StoreContents {
  readonly references: readonly StoredReference[];
  readonly images: readonly ImageContents[];
  readonly blobs: readonly StoredBlob[];
  readonly trees: readonly TreeContents[];
  readonly partials: readonly PartialContents[];
  /** What no run of mbctl can use: left by killed ones, damaged, or a stranger in the cache. */
  readonly litter: readonly Litter[];
  /** Digests that machines name, whether they are stored or not. */
  readonly used: ReadonlySet<Digest>;
}

/** Reads a store; manifests and configurations are compared with their digests. */
export function readContents(store: Store, uses: readonly ImageUse[]): StoreContents {
  const { references, damaged } = listReferences(store);
  const { blobs, strangers } = listBlobs(store);
  const { partials, others } = listPartials(store);
  const { trees, strangers: strangeTrees } = listTrees(store);
  const images = readImages(store, references, uses);
  return {
    references,
    images,
    blobs,
    trees: trees.map((tree) => ({ ...tree, machines: machinesOf(tree, images, uses) })),
    partials,
    litter: [
      ...[...damaged, ...strangers, ...others, ...oldList(store), ...strayLocks(store)].map(
        (file): Litter => ({
          ...file,
          kind: "file",
        }),
      ),
      ...strangeTrees.flatMap(measureLitter),
    ],
    used: new Set(uses.flatMap(({ digests }) => digests)),
  };
}

function readImages(
  store: Store,
  references: readonly StoredReference[],
  uses: readonly ImageUse[],
): ImageContents[] {
  const documentsOf = new Map<Digest, Set<Digest>>();
  const add = (manifest: Digest, documents: readonly Digest[]) => {
    const known = documentsOf.get(manifest) ?? new Set();
    for (const digest of documents) known.add(digest);
    documentsOf.set(manifest, known);
  };
  for (const { digest, manifestDigest } of references) {
    add(manifestDigest, digest === manifestDigest ? [] : indexesTo(store, digest, manifestDigest));
  }
  for (const { digests } of uses) {
    const manifests = digests.filter(
      (digest) => readDocument(store, digest)?.document.kind === "manifest",
    );
    for (const manifest of manifests) {
      const indexes = digests.filter((digest) => digest !== manifest);
      add(
        manifest,
        indexes.flatMap((index) => indexesTo(store, index, manifest)),
      );
    }
  }
  return [...documentsOf]
    .map(([manifest, indexes]) => {
      const named = references.filter(({ manifestDigest }) => manifestDigest === manifest);
      return {
        manifestDigest: manifest,
        platform: named[0]?.platform,
        references: named,
        machines: uses
          .filter(({ digests }) => digests.includes(manifest))
          .map(({ machine }) => machine),
        documents: [...indexes, manifest],
        ...readParts(store, manifest),
        usedMs: Math.max(0, ...named.map(({ usedMs }) => usedMs)),
      };
    })
    .sort((a, b) => (a.manifestDigest < b.manifestDigest ? -1 : 1));
}

/** The indexes from `digest` down to those that name `manifest`; none when it is no stored index. */
function indexesTo(store: Store, digest: Digest, manifest: Digest, depth = 0): Digest[] {
  const document = depth > 4 ? undefined : readDocument(store, digest)?.document;
  if (document?.kind !== "index") return [];
  const inner = document.manifests
    .filter((entry) => entry.digest !== manifest && hasBlob(store, entry))
    .flatMap((entry) => indexesTo(store, entry.digest, manifest, depth + 1));
  return [digest, ...inner];
}

function readParts(
  store: Store,
  digest: Digest,
): Pick<ImageContents, "config" | "layers" | "layersSizeBytes" | "missing" | "chain"> {
  const manifest = readDocument(store, digest)?.document;
  if (manifest?.kind !== "manifest") {
    return { config: undefined, layers: [], layersSizeBytes: 0, missing: [], chain: undefined };
  }
  const layers = [...new Map(manifest.layers.map((layer) => [layer.digest, layer])).values()];
  return {
    config: manifest.config.digest,
    layers: layers.map((layer) => layer.digest),
    layersSizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    missing: layers.filter((layer) => !hasBlob(store, layer)).map((layer) => layer.digest),
    chain: readChain(store, manifest),
  };
}

function readChain(store: Store, manifest: ImageManifest): Digest | undefined {
  const bytes = readVerified(store, manifest.config);
  if (bytes === undefined) return undefined;
  try {
    return chainId(parseImageConfigText(Buffer.from(bytes).toString()).diffIds);
  } catch {
    // No configuration that mbctl understands: no machine can be made of it either.
    return undefined;
  }
}

function machinesOf(
  tree: StoredTree,
  images: readonly ImageContents[],
  uses: readonly ImageUse[],
): string[] {
  const byLayers = images.filter(({ chain }) => chain === tree.chain);
  const byNote = uses.filter(({ digests }) => digests.includes(tree.manifestDigest));
  return [
    ...new Set([
      ...byLayers.flatMap(({ machines }) => machines),
      ...byNote.map(({ machine }) => machine),
    ]),
  ].sort();
}

function listPartials(store: Store): { partials: PartialContents[]; others: StoredFile[] } {
  const partials: PartialContents[] = [];
  const others: StoredFile[] = [];
  for (const name of listDirectory(store.paths.partial)) {
    const digest = digestOfFileName(name);
    for (const file of statFile(join(store.paths.partial, name))) {
      if (digest === undefined) others.push(file);
      else partials.push({ ...file, digest });
    }
  }
  return { partials, others };
}

/** Version 0.1.0 kept one list of references where the folder is now. */
function oldList(store: Store): StoredFile[] {
  return statFile(store.paths.references, "file");
}

/** Locks of trees go with who made the tree, unless he was killed. */
function strayLocks(store: Store): StoredFile[] {
  return listDirectory(store.paths.locks)
    .filter((name) => /^\.tree-[0-9a-f]+\.lock$/.test(name))
    .flatMap((name) => statFile(join(store.paths.locks, name)));
}

function measureLitter(path: string): Litter[] {
  return statFile(path).map((file) => {
    const isTree = statusOf(path)?.isDirectory() === true;
    return isTree
      ? { ...file, kind: "tree", allocatedBytes: measureTree(path).allocatedBytes }
      : { ...file, kind: "file" };
  });
}
