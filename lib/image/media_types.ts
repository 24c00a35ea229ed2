/**
 * Media types of images: those of the OCI image-spec (media-types.md) and of
 * Docker's image manifest version 2, schema 2.
 *
 * @module
 */

export const ociManifest = "application/vnd.oci.image.manifest.v1+json";
export const ociIndex = "application/vnd.oci.image.index.v1+json";
export const ociConfig = "application/vnd.oci.image.config.v1+json";
export const ociLayer = "application/vnd.oci.image.layer.v1.tar";
export const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
export const dockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
export const dockerConfig = "application/vnd.docker.container.image.v1+json";
export const dockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
/** Docker's schema 1, plain and signed: long obsolete, refused. */
export const dockerSchema1: readonly string[] = [
  "application/vnd.docker.distribution.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

/** How a layer's tar stream is packed. */
export type Compression = "none" | "gzip" | "zstd";

const layers: Readonly<Record<string, Compression>> = {
  [ociLayer]: "none",
  [`${ociLayer}+gzip`]: "gzip",
  [`${ociLayer}+zstd`]: "zstd",
  [dockerLayer]: "none",
  [`${dockerLayer}.gzip`]: "gzip",
  [`${dockerLayer}.zstd`]: "zstd",
};

/**
 * How a layer of this media type is packed; undefined for what is no layer that
 * anybody may distribute (foreign, encrypted, or not a layer at all).
 */
export function layerCompression(mediaType: string): Compression | undefined {
  return Object.hasOwn(layers, mediaType) ? layers[mediaType] : undefined;
}
