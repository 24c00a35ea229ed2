/**
 * Having skopeo apply policy.json where its proxy does not (protocol before 0.2.6,
 * skopeo 1.9.3): `skopeo copy` does, before it reads anything else.
 *
 * @module
 */

import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import type { Run } from "../host/run.ts";
import { type Digest, digestAlgorithm, digestHex } from "../image/digest.ts";
import type { FoundImage } from "../image/found_image.ts";
import { parseManifest } from "../image/manifest.ts";
import { pinnedSource, type Source, skopeoCopy } from "./skopeo.ts";

/**
 * Wants an image to be one that the policy takes. No layer is fetched: the copy
 * finds files of the layers' names in its place, and asks for no more.
 *
 * What was copied must be what was found, and a registry may answer differently
 * each time. A Docker manifest is converted by the copy, so its digest is looked at by a
 * copy of the very manifest; its tag, by the layers that the tag stands for.
 *
 * @throws {MbctlError} (tool) with skopeo's words when it refuses.
 */
export async function checkPolicy(run: Run, source: Source, found: FoundImage): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "mbctl-policy-"));
  try {
    const sources = [source];
    if (source.ref.transport === "docker" && source.ref.digest !== found.manifestDigest) {
      sources.push(pinnedSource(source, found.manifestDigest));
    }
    for (const [number, each] of sources.entries()) {
      const layers = await copyWithoutLayers(run, each, found, join(dir, String(number)));
      const expected = found.manifest.layers.map(({ digest }) => digest);
      if (layers.join() !== expected.join()) throw changed(source.image);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** @returns the digests of the layers of what was copied. */
async function copyWithoutLayers(
  run: Run,
  source: Source,
  found: FoundImage,
  dir: string,
): Promise<Digest[]> {
  const blobs = join(dir, "blobs");
  const pathOf = (digest: Digest) => join(blobs, digestAlgorithm(digest), digestHex(digest));
  const { config, layers } = found.manifest;
  for (const algorithm of ["sha256", "sha512"]) {
    await mkdir(join(blobs, algorithm), { recursive: true });
  }
  await writeFile(pathOf(config.digest), found.configText);
  for (const { digest, sizeBytes } of layers) {
    await writeFile(pathOf(digest), "");
    await truncate(pathOf(digest), sizeBytes);
  }
  const flags = [
    "--quiet",
    // A layout has no place for them.
    "--remove-signatures",
    "--dest-oci-accept-uncompressed-layers",
    `--dest-shared-blob-dir=${blobs}`,
  ];
  await skopeoCopy(run, source, "oci:./layout:image", flags, { cwd: dir });
  const index = JSON.parse(await readFile(join(dir, "layout/index.json"), "utf8"));
  const text = await readFile(pathOf(index.manifests[0].digest), "utf8");
  const copied = parseManifest(text, source.image);
  return copied.kind === "manifest" ? copied.layers.map(({ digest }) => digest) : [];
}

/** The error for a tag that named two images, one after the other. */
export function changed(image: string): MbctlError {
  return new MbctlError(
    "failed",
    `Cannot use image ${JSON.stringify(image)}: it changed while it was read`,
    { hint: "run the command again, or name the image by its digest" },
  );
}
