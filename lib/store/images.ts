/**
 * Images of which the store has the manifest and the configuration.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { parseImageConfigText } from "../image/config.ts";
import type { Digest } from "../image/digest.ts";
import type { FoundImage } from "../image/found_image.ts";
import {
  type ImageIndex,
  type ImageManifest,
  type LayerDescriptor,
  parseManifest,
} from "../image/manifest.ts";
import { type Platform, selectPlatform } from "../image/platform.ts";
import { formatImageRef, type ImageRef } from "../image/reference.ts";
import { hasBlob, readVerified } from "./blobs.ts";
import { readReference, type StoredReference } from "./references.ts";
import type { Store } from "./store.ts";

/** An image whose manifest and configuration are in the store, every digest compared. */
export interface StoredImage extends FoundImage {
  /** What is noted of the reference; of one that names a digest there may be nothing. */
  readonly noted: StoredReference | undefined;
  /** The indexes that lead to the manifest, outermost first, and the manifest; verbatim. */
  readonly documents: readonly { readonly digest: Digest; readonly text: string }[];
  /** Layers that are not in the store, or not in their full size. */
  readonly missing: readonly LayerDescriptor[];
}

/** Indexes may hold indexes; deeper than this nobody nests them. */
const deepestIndex = 4;

/**
 * Finds what a reference named when it was last resolved. A digest in the
 * reference decides alone.
 *
 * @returns undefined when anything but layers is missing, damaged, or for another platform.
 */
export function findStored(
  store: Store,
  ref: ImageRef,
  platform: Platform,
): StoredImage | undefined {
  const noted = readReference(store, formatImageRef(ref));
  const named = ref.transport === "docker" ? ref.digest : undefined;
  const digest = named ?? noted?.digest;
  if (digest === undefined) return undefined;
  const image = findStoredDigest(store, ref, digest, platform);
  return image === undefined ? undefined : { ...image, noted };
}

/** Finds an image by the digest of its index or manifest. */
export function findStoredDigest(
  store: Store,
  ref: ImageRef,
  digest: Digest,
  platform: Platform,
): StoredImage | undefined {
  const found = readDocuments(store, digest, platform);
  if (found === undefined) return undefined;
  const { manifest, documents } = found;
  const configText = textOf(readVerified(store, manifest.config));
  if (configText === undefined) return undefined;
  const config = orUndefined(() => parseImageConfigText(configText));
  if (
    config === undefined ||
    config.os !== platform.os ||
    config.architecture !== platform.architecture ||
    config.diffIds.length !== manifest.layers.length
  ) {
    return undefined;
  }
  return {
    ref,
    digest,
    manifestDigest: documents.at(-1)?.digest ?? digest,
    manifest,
    config,
    configText,
    noted: undefined,
    documents,
    missing: manifest.layers.filter((layer) => !hasBlob(store, layer)),
  };
}

/** Reads a manifest or an index of the store; undefined when it is missing, damaged or neither. */
export function readDocument(
  store: Store,
  digest: Digest,
): { readonly document: ImageManifest | ImageIndex; readonly text: string } | undefined {
  const text = textOf(readVerified(store, { digest }));
  if (text === undefined) return undefined;
  const document = orUndefined(() => parseManifest(text, digest));
  return document === undefined ? undefined : { document, text };
}

function readDocuments(store: Store, digest: Digest, platform: Platform) {
  const documents: { digest: Digest; text: string }[] = [];
  for (let next = digest, depth = 0; depth <= deepestIndex; depth++) {
    const read = readDocument(store, next);
    if (read === undefined) return undefined;
    const { document, text } = read;
    documents.push({ digest: next, text });
    if (document.kind === "manifest") return { manifest: document, documents };
    const entry = orUndefined(() => selectPlatform(document.manifests, platform, digest));
    if (entry === undefined) return undefined;
    next = entry.digest;
  }
  return undefined;
}

/** What a registry would be asked for anew: whatever is wrong is found and said there. */
function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}
