/**
 * Images in local files, read by ourselves: OCI layouts (OCI image-spec,
 * image-layout.md), archives of such, and the folders of skopeo's `dir:`. skopeo
 * up to 1.18 at least finds no Docker manifest in a layout, unpacks an archive
 * anew for each look into it, and cannot begin a blob in its middle.
 *
 * Nothing here is verified: digests are compared by the callers.
 *
 * @module
 */

import * as v from "valibot";
import { MbctlError, usageError } from "../errors.ts";
import type { BlobSource } from "../image/blob_source.ts";
import { type Digest, digestAlgorithm, digestHex, digestOf, whyNoDigest } from "../image/digest.ts";
import { brokenImage, damaged } from "../image/found_image.ts";
import { type Platform, selectPlatform } from "../image/platform.ts";
import { toPlatform } from "../image/manifest.ts";
import { formatImageRef, type LocalRef } from "../image/reference.ts";
import { type LocalFiles, openArchive, openFolder } from "./local_files.ts";
import { abortError } from "./proxy_channel.ts";

/** Longest manifest, index or configuration that skopeo takes, too. */
const metadataLimitBytes = 4 * 1024 * 1024;

/** A local image that is open. */
export interface LocalImage extends AsyncDisposable {
  /** What the reference names. */
  readonly digest: Digest;
  /** A manifest, an index or a configuration, verbatim. */
  readText(digest: Digest): Promise<string>;
  /** Its blobs; each can begin anywhere. */
  readonly blobs: BlobSource;
}

const layoutSchema = v.object({
  manifests: v.array(
    v.object({
      digest: v.pipe(
        v.string(),
        v.check((text) => whyNoDigest(text) === undefined, "it is no digest"),
        v.transform((text) => text as Digest),
      ),
      platform: v.nullish(
        v.object({ os: v.string(), architecture: v.string(), variant: v.nullish(v.string()) }),
      ),
      annotations: v.nullish(v.record(v.string(), v.string())),
    }),
  ),
});
type Entry = v.InferOutput<typeof layoutSchema>["manifests"][number];

/**
 * Opens a local image.
 *
 * @param image how the user named it, for messages.
 * @returns undefined when only skopeo can: a docker-archive, and any compressed archive.
 * @throws {MbctlError} (usage) when it is not there, holds no such image, or is broken.
 */
export async function openLocalImage(
  ref: LocalRef,
  platform: Platform,
  image: string = formatImageRef(ref),
): Promise<LocalImage | undefined> {
  if (ref.transport === "docker-archive") return undefined;
  let files: LocalFiles | undefined;
  try {
    files = await (ref.transport === "oci-archive" ? openArchive(ref.path) : openFolder(ref.path));
  } catch (error) {
    throw unreadable(image, error);
  }
  if (files === undefined) return undefined;
  try {
    if (ref.transport === "dir") return await openDir(files, image);
    const digest = await findInLayout(files, ref.name, platform, image);
    const nameOf = (each: Digest) => `blobs/${digestAlgorithm(each)}/${digestHex(each)}`;
    return localImage(files, image, digest, nameOf, nameOf);
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

async function openDir(files: LocalFiles, image: string): Promise<LocalImage> {
  const top = await readText(files, "manifest.json", image);
  const digest = digestOf(top);
  // skopeo copy --all … dir: writes the manifests of an index as HEX.manifest.json.
  return localImage(files, image, digest, digestHex, (each) =>
    each === digest ? "manifest.json" : `${digestHex(each)}.manifest.json`,
  );
}

function localImage(
  files: LocalFiles,
  image: string,
  digest: Digest,
  blobName: (digest: Digest) => string,
  manifestName: (digest: Digest) => string,
): LocalImage {
  return {
    digest,
    async readText(each) {
      const file = await files.open(manifestName(each));
      await file?.[Symbol.asyncDispose]();
      return await readText(files, (file ? manifestName : blobName)(each), image);
    },
    blobs: {
      async open(blob, offset, signal) {
        if (signal?.aborted) throw abortError(signal);
        const file = await files.open(blobName(blob.digest));
        if (file === undefined) throw missing(image, blob.digest);
        if (file.sizeBytes !== blob.sizeBytes) {
          await file[Symbol.asyncDispose]();
          throw brokenImage(
            image,
            `the blob ${blob.digest} has ${file.sizeBytes} bytes, not ${blob.sizeBytes}`,
          );
        }
        return { offset, chunks: closing(file, file.read(offset, signal), signal) };
      },
    },
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

async function* closing(
  file: AsyncDisposable,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunks;
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : error;
  } finally {
    await file[Symbol.asyncDispose]();
  }
}

/** The entry of a layout that a name stands for; without a name there must be one only. */
async function findInLayout(
  files: LocalFiles,
  name: string | undefined,
  platform: Platform,
  image: string,
): Promise<Digest> {
  const text = await readText(files, "index.json", image);
  const { success, output } = v.safeParse(layoutSchema, parseJson(text));
  if (!success) throw brokenImage(image, "its index.json is not that of an OCI layout");
  const named = (entry: Entry) => entry.annotations?.["org.opencontainers.image.ref.name"];
  const fitting =
    name === undefined
      ? output.manifests
      : output.manifests.filter((entry) => named(entry) === name);
  const [first, ...others] = [...new Map(fitting.map((entry) => [entry.digest, entry])).values()];
  const names = output.manifests.map(named).filter((each) => each !== undefined);
  if (first === undefined || (others.length > 0 && name === undefined)) {
    throw usageError(
      `Cannot use image ${JSON.stringify(image)}: ${first === undefined ? "there is none of that name in it" : "there are several in it"}`,
      names.length === 0
        ? "it names no image: leave the name out"
        : `name the image in it: ${names.slice(0, 5).join(", ")}`,
    );
  }
  if (others.length === 0) return first.digest;
  // One name for several platforms.
  const entries = [first, ...others].map((entry) => ({
    digest: entry.digest,
    ...(entry.platform ? { platform: toPlatform(entry.platform) } : {}),
  }));
  return selectPlatform(entries, platform, image).digest;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readText(files: LocalFiles, name: string, image: string): Promise<string> {
  try {
    await using file = await files.open(name);
    if (file === undefined) throw missing(image, name);
    if (file.sizeBytes > metadataLimitBytes) {
      throw brokenImage(image, `${name} has ${file.sizeBytes} bytes`);
    }
    return Buffer.concat(await Array.fromAsync(file.read(0))).toString();
  } catch (error) {
    throw error instanceof MbctlError ? error : unreadable(image, error);
  }
}

function missing(image: string, what: string): MbctlError {
  return new MbctlError(
    "usage",
    `Cannot use image ${JSON.stringify(image)}: ${what} is not in it`,
    {
      hint: damaged,
    },
  );
}

/** What the system says of a path, in words. */
const states: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "it is no folder",
  EISDIR: "it is a folder",
  EACCES: "permission is denied",
};

function unreadable(image: string, error: unknown): MbctlError {
  const { code, message } = error as NodeJS.ErrnoException;
  const state = code === undefined ? message : (states[code] ?? "the system fails to");
  return new MbctlError("usage", `Cannot read image ${JSON.stringify(image)}: ${state}`, {
    cause: code === undefined ? undefined : error,
    hint: "check the path",
  });
}
