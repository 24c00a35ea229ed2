/**
 * Fetching the layers of an image that was found.
 *
 * @module
 */

import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Run } from "../host/run.ts";
import { type FetchProgress, watchFetch } from "./fetch_progress.ts";
import type { FoundImage } from "./inspect_image.ts";
import { type ImageLayout, layoutName, openLayout } from "./layout.ts";
import { formatImageRef, type ImageRef } from "./reference.ts";
import { pinnedSource, type SourceOptions, skopeoCopy } from "./skopeo.ts";

export interface FetchOptions extends SourceOptions {
  /**
   * A folder for blobs that several images share: what is in it is not fetched
   * again. It must be on the file system of the layout (skopeo renames into it).
   */
  readonly blobsDir?: string | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/**
 * Fetches an image into an OCI layout.
 *
 * skopeo compares every blob with its digest while it writes it, and the plain
 * streams are compared with their diff_ids when they are unpacked. From a
 * registry the manifest is fetched by the digest that was found: a tag that moves
 * meanwhile does no harm.
 *
 * @param layoutDir absolute; must not exist or be empty, its parent must exist.
 * After a failure it may hold litter: the caller removes it.
 * @throws {MbctlError} of kind "tool" when skopeo fails (damaged blob, disk full,
 * registry gone, …).
 */
export async function fetchImage(
  run: Run,
  image: FoundImage,
  layoutDir: string,
  options: FetchOptions,
): Promise<ImageLayout> {
  const { ref, manifest, config } = image;
  const named = { ...options, ref, image: formatImageRef(ref) };
  const source = pinnedSource(named, image.manifestDigest);
  await mkdir(layoutDir, { recursive: true });
  // umoci 0.4.7 knows no zstd: skopeo can unpack it, into a folder only.
  const isZstd = manifest.layers.some((layer) => layer.compression === "zstd");
  const shared = isZstd ? undefined : options.blobsDir;
  const blobsDir = shared ?? join(layoutDir, "blobs");

  const plainDir = join(layoutDir, "plain");
  const watch = watchFetch(
    manifest.layers.map(({ digest, sizeBytes }, place) => ({
      digest,
      sizeBytes,
      stored: isZstd ? (config.diffIds[place] ?? digest) : digest,
    })),
    isZstd ? plainDir : layoutDir,
    isZstd ? plainDir : join(blobsDir, "sha256"),
    options.onProgress ?? (() => {}),
  );
  // skopeo takes a colon for the end of a layout's path: what stands above the
  // layout is kept out of its sight by the current directory.
  const runOptions = { cwd: dirname(layoutDir), onStdoutLine: watch.onLine };
  const layout = `oci:./${basename(layoutDir)}:${layoutName}`;
  const flags = [
    "--dest-oci-accept-uncompressed-layers",
    ...(shared === undefined ? [] : [`--dest-shared-blob-dir=${shared}`]),
  ];
  let succeeded = false;
  try {
    if (isZstd) {
      const target = `dir:${plainDir}`;
      await skopeoCopy(run, source, target, ["--dest-decompress"], runOptions);
      const plain: ImageRef = { transport: "dir", path: plainDir };
      const unpacked = { ...source, ref: plain };
      await skopeoCopy(run, unpacked, layout, flags, {
        cwd: dirname(layoutDir),
      });
      await rm(plainDir, { recursive: true });
    } else {
      await skopeoCopy(run, source, layout, flags, runOptions);
    }
    succeeded = true;
  } finally {
    watch.stop(succeeded);
  }
  return await openLayout(layoutDir, blobsDir, source.image, config.diffIds);
}
