/**
 * OCI image layouts (image-spec, image-layout.md) as data: the small files that
 * name what lies in one.
 *
 * @module
 */

import { digestAlgorithm, digestHex, type Digest } from "./digest.ts";
import type { Descriptor } from "./manifest.ts";

/** What the file `oci-layout` holds. */
export const ociLayoutText = '{"imageLayoutVersion":"1.0.0"}';

/** The forms in which a layout is saved, in podman's words (podman-save(1), `--format`). */
export const saveFormats = ["oci-archive", "oci-dir"] as const;
export type SaveFormat = (typeof saveFormats)[number];

/** An image in a layout: what its name stands for, the index or the manifest. */
export interface NamedImage {
  /** The whole reference. */
  readonly name: string;
  readonly top: Descriptor;
}

/**
 * The file `index.json`. podman and skopeo look for a name in
 * `org.opencontainers.image.ref.name` (annotations.md), containerd and Docker in
 * `io.containerd.image.name`.
 */
export function renderLayoutIndex(images: readonly NamedImage[]): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: images.map(({ name, top }) => ({
      mediaType: top.mediaType,
      digest: top.digest,
      size: top.sizeBytes,
      annotations: {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name,
      },
    })),
  });
}

/** The path of a blob in a layout. */
export function layoutBlobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}
