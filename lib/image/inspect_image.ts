/**
 * Finding out what a reference names, without fetching any layer.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { Run } from "../host/run.ts";
import { type ImageConfig, parseImageConfigText } from "./config.ts";
import { type Digest, digestAlgorithm, digestOf } from "./digest.ts";
import { readLocalManifest } from "./local_blob.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "./manifest.ts";
import { selectPlatform, wrongPlatform } from "./platform.ts";
import { formatImageRef, type ImageRef } from "./reference.ts";
import { pinnedSource, type Source, type SourceOptions, skopeoInspect } from "./skopeo.ts";
import { damaged } from "./skopeo_errors.ts";

/** An image that was found: everything about it except its layers' contents. */
export interface FoundImage {
  readonly ref: ImageRef;
  /**
   * Digest of what the reference names: the index, if there is one, else the
   * manifest. This one is recorded as "what was pulled". Of a docker-archive,
   * which has no digest, it is that of the manifest which skopeo makes up.
   */
  readonly digest: Digest;
  /** Digest of the manifest for this platform. */
  readonly manifestDigest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  /** The configuration's blob, verbatim. */
  readonly configText: string;
}

/** Indexes may hold indexes; deeper than this nobody nests them. */
const deepestIndex = 4;

/**
 * Reads the manifest and the configuration of an image, following an index to
 * the platform asked for. Every digest on the way is compared.
 *
 * @throws {MbctlError} of kind "tool" when skopeo fails (unknown tag, registry
 * down, wrong password, TLS, …), "usage" when the image is of another platform
 * or none that mbctl understands.
 */
export async function inspectImage(
  run: Run,
  ref: ImageRef,
  options: SourceOptions,
): Promise<FoundImage> {
  const image = formatImageRef(ref);
  const source: Source = { ...options, ref, image };
  const top = await skopeoInspect(run, source);
  const digest =
    ref.transport === "docker" && ref.digest !== undefined ? ref.digest : digestOf(top);
  let manifestDigest = digest;
  let manifest = parseVerified(top, digest, image);
  for (let depth = 0; manifest.kind === "index"; depth++) {
    if (depth === deepestIndex) {
      throw broken(image, `indexes are nested more than ${depth} deep`);
    }
    manifestDigest = selectPlatform(manifest.manifests, options.platform, image).digest;
    const text = await readManifest(run, source, manifestDigest);
    manifest = parseVerified(text, manifestDigest, image);
  }

  const configText = await skopeoInspect(run, pinnedSource(source, manifestDigest), "config");
  verify(configText, manifest.config.digest, image, "configuration");
  const config = parseImageConfigText(configText);
  // What an index says of an entry is a promise; the configuration is the fact.
  const { platform } = options;
  if (config.os !== platform.os || config.architecture !== platform.architecture) {
    throw wrongPlatform(image, platform, [config]);
  }
  if (config.diffIds.length !== manifest.layers.length) {
    throw broken(
      image,
      `its configuration tells of ${config.diffIds.length} layers, its manifest of ${manifest.layers.length}`,
    );
  }
  return { ref, digest, manifestDigest, manifest, config, configText };
}

async function readManifest(run: Run, source: Source, digest: Digest): Promise<string> {
  const { ref, image } = source;
  if (ref.transport === "docker") {
    return await skopeoInspect(run, pinnedSource(source, digest));
  }
  try {
    return await readLocalManifest(run, ref, digest);
  } catch (error) {
    if (error instanceof MbctlError && error.kind === "interrupted") {
      throw error;
    }
    throw broken(image, `the manifest ${digest} is not in it`, error);
  }
}

function parseVerified(text: string, digest: Digest, image: string): ImageManifest | ImageIndex {
  verify(text, digest, image, "manifest");
  return parseManifest(text, image);
}

function verify(text: string, digest: Digest, image: string, what: string): void {
  const actual = digestOf(text, digestAlgorithm(digest));
  if (actual !== digest)
    throw broken(image, `the digest of its ${what} is ${actual}, not ${digest}`);
}

function broken(image: string, state: string, cause?: unknown): MbctlError {
  return new MbctlError("usage", `Cannot use image ${JSON.stringify(image)}: ${state}`, {
    cause,
    hint: damaged,
  });
}
