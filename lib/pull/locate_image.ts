/**
 * From a reference to everything about its image but the layers' contents: out of
 * the store or from the registry, as the pull policy wants it. Nothing is written.
 *
 * @module
 */

import { MbctlError, usageError } from "../errors.ts";
import type { Spawn } from "../host/spawn.ts";
import type { Run } from "../host/run.ts";
import type { BlobSource } from "../image/blob_source.ts";
import type { Digest } from "../image/digest.ts";
import type { FoundImage } from "../image/found_image.ts";
import { formatImageRef, type ImageRef, pinned } from "../image/reference.ts";
import { type HttpBlobs, httpBlobs } from "../registry/http_blobs.ts";
import { openImage, type OpenedImage } from "../registry/open_image.ts";
import { readAccess } from "../registry/plain_access.ts";
import { resolveDigest } from "../registry/resolve.ts";
import type { SourceOptions } from "../registry/skopeo.ts";
import { findStored, findStoredDigest, type StoredImage } from "../store/images.ts";
import type { Store } from "../store/store.ts";
import type { PullPolicy } from "./pull_policy.ts";

/** What images are located with. */
export interface LocateTools {
  readonly run: Run;
  readonly spawn: Spawn;
  readonly store: Store;
  readonly warn: (text: string) => void;
  /** Told why blobs come by skopeo. */
  readonly debug: (text: string) => void;
}

export interface LocateOptions extends SourceOptions {
  readonly policy: PullPolicy;
}

/** An image that was located. Disposing of it ends the talk with the registry. */
export interface LocatedImage extends AsyncDisposable {
  readonly found: FoundImage;
  readonly origin: "store" | "registry";
  /** When its reference was resolved, in milliseconds since the epoch. */
  readonly resolvedMs: number;
  /** The rule of policy.json by which the image was accepted. */
  readonly verifiedBy: string | undefined;
  /** Indexes and the manifest, outermost first; verbatim. */
  readonly documents: readonly { readonly digest: Digest; readonly text: string }[];
  /**
   * Where its blobs can be had, the fastest first.
   *
   * @throws {MbctlError} (failed) under `never`, (tool) when the registry does not have the image any more.
   */
  blobs(): Promise<readonly BlobSource[]>;
}

/**
 * Locates an image.
 *
 * @throws {MbctlError} of kind "tool" when the registry fails, "usage" for an image that cannot be used,
 * "failed" when nothing may be fetched and the store lacks it.
 */
export async function locateImage(
  tools: LocateTools,
  ref: ImageRef,
  options: LocateOptions,
): Promise<LocatedImage> {
  // Files beside us are read as they are now; the store only keeps what is in them.
  if (ref.transport !== "docker") return await openSources(tools, ref, options);
  const { policy, platform } = options;
  const stored = policy === "always" ? undefined : findStored(tools.store, ref, platform);
  if (stored === undefined) {
    if (policy === "never") throw notStored(formatImageRef(ref), "the image");
    return await openSources(tools, ref, options);
  }
  // What a digest names never changes.
  const mayMove = policy === "newer" && ref.digest === undefined;
  if (mayMove && (await isNewer(tools, ref, options, stored))) {
    return await openSources(tools, ref, options);
  }
  return fromStore(tools, stored, options);
}

/**
 * Locates the very image that a reference once named, whatever it names by now: in the store, else where the
 * reference leads.
 *
 * @throws {MbctlError} as {@linkcode locateImage}; (usage) when a local image is another one now.
 */
export async function locateDigest(
  tools: LocateTools,
  ref: ImageRef,
  digest: Digest,
  options: LocateOptions,
): Promise<LocatedImage> {
  if (ref.transport === "docker") return await locateImage(tools, pinned(ref, digest), options);
  const stored = findStoredDigest(tools.store, ref, digest, options.platform);
  if (stored !== undefined) return fromStore(tools, stored, options);
  const located = await openSources(tools, ref, options);
  if (located.found.digest === digest) return located;
  await located[Symbol.asyncDispose]();
  throw usageError(
    `Cannot use image "${formatImageRef(ref)}": it is another one now, not ${digest}`,
  );
}

async function isNewer(
  tools: LocateTools,
  ref: ImageRef,
  options: LocateOptions,
  stored: StoredImage,
): Promise<boolean> {
  try {
    return (await resolveDigest(tools.run, ref, options)) !== stored.digest;
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind !== "tool") throw error;
    const when = new Date(stored.noted?.resolvedMs ?? 0).toISOString();
    tools.warn(
      `cannot ask the registry whether ${formatImageRef(ref)} names something newer: taking what it named at ${when}`,
    );
    return false;
  }
}

/**
 * Opens an image by skopeo, and beside it the way by which its blobs come faster:
 * skopeo decides what may be used, and any registry gives the same blob for a digest.
 */
async function openSources(
  tools: LocateTools,
  ref: ImageRef,
  options: SourceOptions,
): Promise<LocatedImage> {
  const direct = directBlobs(tools, ref, options);
  // The registry is greeted while skopeo starts.
  void direct?.prepare();
  let opened = await openImage(tools, ref, options);
  const { found, documents, verifiedBy } = opened;
  const sources: BlobSource[] = [opened.blobs];
  if (direct !== undefined && ref.transport === "docker") {
    // skopeo and its memory are done with, unless the faster way fails.
    await opened[Symbol.asyncDispose]();
    let again: Promise<OpenedImage> | undefined;
    const bySkopeo: BlobSource = {
      async open(...request) {
        again ??= openImage(tools, pinned(ref, found.digest), options);
        opened = await again;
        return await opened.blobs.open(...request);
      },
    };
    sources.splice(0, 1, direct, bySkopeo);
  }
  return {
    found,
    origin: "registry",
    resolvedMs: Date.now(),
    verifiedBy,
    documents,
    blobs: async () => sources,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function directBlobs(
  { debug }: LocateTools,
  ref: ImageRef,
  options: SourceOptions,
): HttpBlobs | undefined {
  if (ref.transport !== "docker") return undefined;
  const access = readAccess(ref, options);
  if (!("notPlain" in access)) return httpBlobs(ref, access, options);
  debug(`skopeo fetches the blobs: ${access.notPlain}`);
  return undefined;
}

function fromStore(tools: LocateTools, stored: StoredImage, options: LocateOptions): LocatedImage {
  let opened: Promise<LocatedImage> | undefined;
  return {
    found: stored,
    origin: "store",
    resolvedMs: stored.noted?.resolvedMs ?? Date.now(),
    verifiedBy: stored.noted?.verifiedBy,
    documents: stored.documents,
    async blobs() {
      const { ref, digest } = stored;
      if (options.policy === "never") throw notStored(formatImageRef(ref), "a layer of it");
      // What the store has is what is wanted, whatever the tag names by now.
      const source = ref.transport === "docker" ? pinned(ref, digest) : ref;
      opened ??= openSources(tools, source, options);
      return await (await opened).blobs();
    },
    async [Symbol.asyncDispose]() {
      await (await opened?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

function notStored(image: string, lacking: string): MbctlError {
  return new MbctlError(
    "failed",
    `Cannot use image ${JSON.stringify(image)}: ${lacking} is not in the store, and --pull never forbids to fetch it`,
    { hint: "run the command without --pull never, or bring the image: mbctl oci load FILE" },
  );
}
