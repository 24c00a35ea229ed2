/**
 * An image of which all is known but the contents of its layers.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { type ImageConfig, parseImageConfigText } from "./config.ts";
import { type Digest, digestAlgorithm, digestOf } from "./digest.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "./manifest.ts";
import { type Platform, selectPlatform, wrongPlatform } from "./platform.ts";
import { formatImageRef, type ImageRef } from "./reference.ts";

/** What a machine is made of, as far as its files need it. */
export interface MachineImage {
  /**
   * Digest of what the reference names: the index, if there is one, else the
   * manifest. This one is recorded as "what was pulled". Of a docker-archive,
   * which has no digest, it is that of the manifest which skopeo makes up.
   */
  readonly digest: Digest;
  /** Digest of the manifest for this platform. */
  readonly manifestDigest: Digest;
  readonly config: ImageConfig;
  /** The configuration's blob, verbatim. */
  readonly configText: string;
}

/** An image that was found: everything about it except its layers' contents. */
export interface FoundImage extends MachineImage {
  readonly ref: ImageRef;
  readonly manifest: ImageManifest;
}

/** What an image was found as; see {@linkcode FoundImage}. */
export interface FoundTexts {
  readonly ref: ImageRef;
  readonly digest: Digest;
  readonly manifestDigest: Digest;
  readonly manifest: ImageManifest;
  readonly configText: string;
}

/** A manifest or an index, verbatim. */
export interface Document {
  readonly digest: Digest;
  readonly text: string;
}

/** The way from what a reference names to the manifest for a platform. */
export interface DocumentPath {
  /** The indexes, outermost first, and the manifest. */
  readonly documents: readonly Document[];
  readonly manifest: ImageManifest;
  readonly manifestDigest: Digest;
}

/** Indexes may hold indexes; deeper than this nobody nests them. */
const deepestIndex = 4;

/** For an image whose bytes are not what their digest says. */
export const damaged = "the image is damaged where it comes from: try again, or push it anew";

/**
 * Reads a manifest or an index whose digest is known.
 *
 * @throws {MbctlError} (usage) when it is another one, or cannot be used.
 */
function parseVerifiedManifest(
  text: string,
  digest: Digest,
  image: string,
): ImageManifest | ImageIndex {
  verify(text, digest, image, "manifest");
  return parseManifest(text, image);
}

/**
 * Follows indexes to the manifest for a platform. Every digest is compared.
 *
 * @param top what the reference names.
 * @param read a document by its digest; its text need not be verified.
 * @throws {MbctlError} (usage) when there is none for the platform, or something is broken.
 */
export async function followIndexes(
  top: Document,
  platform: Platform,
  image: string,
  read: (digest: Digest) => Promise<string>,
): Promise<DocumentPath> {
  const documents = [top];
  let manifest = parseVerifiedManifest(top.text, top.digest, image);
  let { digest } = top;
  while (manifest.kind === "index") {
    if (documents.length > deepestIndex) {
      throw brokenImage(image, `indexes are nested more than ${deepestIndex} deep`);
    }
    digest = selectPlatform(manifest.manifests, platform, image).digest;
    const text = await read(digest);
    manifest = parseVerifiedManifest(text, digest, image);
    documents.push({ digest, text });
  }
  return { documents, manifest, manifestDigest: digest };
}

/**
 * Puts an image together: its configuration must be that of its manifest, and of
 * the platform.
 *
 * @throws {MbctlError} (usage) when it is not.
 */
export function assembleImage(texts: FoundTexts, platform: Platform): FoundImage {
  const { ref, digest, manifestDigest, manifest, configText } = texts;
  const image = formatImageRef(ref);
  verify(configText, manifest.config.digest, image, "configuration");
  const config = parseImageConfigText(configText);
  // What an index says of an entry is a promise; the configuration is the fact.
  if (config.os !== platform.os || config.architecture !== platform.architecture) {
    throw wrongPlatform(image, platform, [config]);
  }
  const { diffIds } = config;
  if (diffIds.length !== manifest.layers.length) {
    throw brokenImage(
      image,
      `its configuration tells of ${diffIds.length} layers, its manifest of ${manifest.layers.length}`,
    );
  }
  // skopeo calls the plain layers of a docker-archive gzip.
  const layers = manifest.layers.map((layer, place) =>
    layer.digest === diffIds[place] ? { ...layer, compression: "none" as const } : layer,
  );
  return {
    ref,
    digest,
    manifestDigest,
    manifest: { ...manifest, layers },
    config,
    configText,
  };
}

/** The error for an image that contradicts itself. */
export function brokenImage(image: string, state: string, cause?: unknown): MbctlError {
  return new MbctlError("usage", `Cannot use image ${JSON.stringify(image)}: ${state}`, {
    cause,
    hint: damaged,
  });
}

function verify(text: string, digest: Digest, image: string, what: string): void {
  const actual = digestOf(text, digestAlgorithm(digest));
  if (actual !== digest) {
    throw brokenImage(image, `the digest of its ${what} is ${actual}, not ${digest}`);
  }
}
