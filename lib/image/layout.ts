/**
 * An image on disk, ready to be unpacked: an OCI image layout (OCI image-spec,
 * image-layout.md) with one image, whose blobs may lie in a shared folder.
 *
 * @module
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { parseImageConfigText } from "./config.ts";
import { type Digest, digestAlgorithm, digestHex, digestOf } from "./digest.ts";
import { type Descriptor, type ImageManifest, parseManifest } from "./manifest.ts";
import * as media from "./media_types.ts";

/** A fetched image. Its layers are in a form that every umoci reads: gzip or plain. */
export interface ImageLayout {
  /** How the user named the image, for messages. */
  readonly image: string;
  /** The layout's folder. */
  readonly dir: string;
  /** The image's name in the layout's index. */
  readonly name: string;
  /** The folder with the folder `sha256`: in the layout, or shared by several. */
  readonly blobsDir: string;
  /** The manifest in the layout: its media types may differ from the registry's. */
  readonly manifest: ImageManifest;
  /** The digests of the layers' plain tar streams, lowest first. */
  readonly diffIds: readonly Digest[];
}

/** The one name in every layout that we make. */
export const layoutName = "image";

/** The path of a blob. */
export function blobPath(blobsDir: string, digest: Digest): string {
  return join(blobsDir, digestAlgorithm(digest), digestHex(digest));
}

/**
 * Opens a layout that skopeo has written and compares it with what was asked for.
 *
 * skopeo labels the layers of a docker-archive as gzip although they are plain
 * (seen with 1.9.3), and umoci believes the label: such a manifest is written anew.
 *
 * @param diffIds the layers of the configuration that was read before.
 * @throws {MbctlError} (usage: bad input) when the layout holds another image.
 */
export async function openLayout(
  dir: string,
  blobsDir: string,
  image: string,
  diffIds: readonly Digest[],
): Promise<ImageLayout> {
  const index = parseManifest(await readFile(join(dir, "index.json"), "utf8"), image);
  const entry = index.kind === "index" ? index.manifests[0] : undefined;
  if (entry === undefined) throw changed(image);
  const manifest = parseManifest(await readFile(blobPath(blobsDir, entry.digest), "utf8"), image);
  if (manifest.kind !== "manifest") throw changed(image);
  const configText = await readFile(blobPath(blobsDir, manifest.config.digest), "utf8");
  const stored = parseImageConfigText(configText).diffIds;
  if (stored.join() !== diffIds.join() || manifest.layers.length !== diffIds.length) {
    throw changed(image);
  }
  const layers = manifest.layers.map((layer, place) =>
    layer.digest === diffIds[place] && layer.compression !== "none"
      ? { ...layer, compression: "none" as const, mediaType: media.ociLayer }
      : layer,
  );
  const layout = { image, dir, name: layoutName, blobsDir, diffIds };
  if (layers.every((layer, place) => layer === manifest.layers[place])) {
    return { ...layout, manifest };
  }
  const corrected = { ...manifest, layers };
  await writeManifest(dir, blobsDir, corrected);
  return { ...layout, manifest: corrected };
}

async function writeManifest(
  dir: string,
  blobsDir: string,
  manifest: ImageManifest,
): Promise<void> {
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: media.ociManifest,
    config: toJson(manifest.config),
    layers: manifest.layers.map(toJson),
  });
  const digest = digestOf(text);
  const path = blobPath(blobsDir, digest);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  const entry = toJson({
    mediaType: media.ociManifest,
    digest,
    sizeBytes: Buffer.byteLength(text),
  });
  const annotations = { "org.opencontainers.image.ref.name": layoutName };
  await writeFile(
    join(dir, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ ...entry, annotations }],
    }),
  );
}

function toJson({ mediaType, digest, sizeBytes }: Descriptor) {
  return { mediaType, digest, size: sizeBytes };
}

function changed(image: string): MbctlError {
  return new MbctlError(
    "usage",
    `Cannot use image ${JSON.stringify(image)}: it changed while it was fetched`,
    { hint: "run the command again" },
  );
}
