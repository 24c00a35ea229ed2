/**
 * Image manifests and indexes: OCI image-spec (manifest.md, image-index.md) and
 * Docker's version 2, schema 2 (manifest, manifest list).
 *
 * @module
 */

import * as v from "valibot";
import { type MbctlError, usageError } from "../errors.ts";
import { type Digest, whyNoDigest } from "./digest.ts";
import * as media from "./media_types.ts";
import type { Platform } from "./platform.ts";

/** Names a blob: what it is, its digest and its size. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A layer, lowest first. */
export interface LayerDescriptor extends Descriptor {
  readonly compression: media.Compression;
}

/** One image: its configuration and its layers. */
export interface ImageManifest {
  readonly kind: "manifest";
  readonly format: "docker" | "oci";
  readonly config: Descriptor;
  readonly layers: readonly LayerDescriptor[];
}

/** The bytes to fetch for the layers of an image; a layer that is listed twice counts once. */
export function layersSizeBytes(manifest: ImageManifest): number {
  const sizes = new Map(manifest.layers.map((layer) => [layer.digest, layer.sizeBytes]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** An entry of an index: a manifest, or another index. */
export interface IndexEntry extends Descriptor {
  readonly platform?: Platform;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The same image for several platforms. */
export interface ImageIndex {
  readonly kind: "index";
  readonly format: "docker" | "oci";
  readonly manifests: readonly IndexEntry[];
}

const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const digestSchema = v.pipe(
  v.string(),
  v.check((text) => whyNoDigest(text) === undefined, "it is no digest"),
  v.transform((text) => text as Digest),
);
const descriptorSchema = v.object({
  mediaType: v.string(),
  digest: digestSchema,
  size: sizeSchema,
});
const manifestSchema = v.object({
  config: descriptorSchema,
  layers: v.array(descriptorSchema),
});
const indexSchema = v.object({
  manifests: v.array(
    v.object({
      ...descriptorSchema.entries,
      platform: v.nullish(
        v.object({
          os: v.string(),
          architecture: v.string(),
          variant: v.nullish(v.string()),
        }),
      ),
      annotations: v.nullish(v.record(v.string(), v.string())),
    }),
  ),
});
const topSchema = v.looseObject({
  schemaVersion: v.number(),
  mediaType: v.nullish(v.string()),
});

/**
 * Reads a manifest or an index.
 *
 * @param text the very bytes that the digest was made of, as text.
 * @param image how the user named the image, for messages.
 * @throws {MbctlError} (usage: bad input) for what is broken, of Docker's schema 1, or no
 * container image at all.
 */
export function parseManifest(text: string, image: string): ImageManifest | ImageIndex {
  const fail = (
    state: string,
    hint = "the image is damaged where it comes from: push it anew, or name another tag",
  ) => usageError(`Cannot use the manifest of image ${JSON.stringify(image)}: ${state}`, hint);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw fail("it is no JSON");
  }
  const top = checked(topSchema, json, fail);
  const { mediaType } = top;
  if (top.schemaVersion === 1 || (mediaType && media.dockerSchema1.includes(mediaType))) {
    throw fail(
      "it is of Docker's obsolete schema 1",
      "push the image again with a current tool, or convert it: skopeo copy --format v2s2 …",
    );
  }
  if (top.schemaVersion !== 2) throw fail(`its schemaVersion is ${top.schemaVersion}, not 2`);
  const hasIndexKeys = Object.hasOwn(top, "manifests");
  const hasManifestKeys = Object.hasOwn(top, "layers") || Object.hasOwn(top, "config");
  // CVE-2021-41190: what can be read in two ways must not be read at all.
  if (hasIndexKeys && hasManifestKeys) throw fail("it is both a manifest and an index");
  const type = mediaType ?? (hasIndexKeys ? media.ociIndex : media.ociManifest);
  switch (type) {
    case media.ociIndex:
    case media.dockerIndex:
      return toIndex(checked(indexSchema, json, fail), type === media.ociIndex ? "oci" : "docker");
    case media.ociManifest:
    case media.dockerManifest:
      return toManifest(
        checked(manifestSchema, json, fail),
        type === media.ociManifest ? "oci" : "docker",
        fail,
      );
    default:
      throw fail(`its media type is ${JSON.stringify(type)}`, "name a container image");
  }
}

function toManifest(
  json: v.InferOutput<typeof manifestSchema>,
  format: "docker" | "oci",
  fail: Fail,
): ImageManifest {
  const { mediaType } = json.config;
  if (mediaType !== media.ociConfig && mediaType !== media.dockerConfig) {
    throw fail(
      `it is no container image but has a configuration of type ${JSON.stringify(mediaType)}`,
      "name a container image; charts, signatures and other artifacts have no root tree",
    );
  }
  return {
    kind: "manifest",
    format,
    config: toDescriptor(json.config),
    layers: json.layers.map((layer, index) => {
      const compression = media.layerCompression(layer.mediaType);
      if (compression === undefined) {
        throw fail(
          `layer ${index + 1} is of the unsupported type ${JSON.stringify(layer.mediaType)}`,
        );
      }
      return { ...toDescriptor(layer), compression };
    }),
  };
}

function toIndex(json: v.InferOutput<typeof indexSchema>, format: "docker" | "oci"): ImageIndex {
  return {
    kind: "index",
    format,
    manifests: json.manifests.map((entry) => ({
      ...toDescriptor(entry),
      ...(entry.platform ? { platform: toPlatform(entry.platform) } : {}),
      annotations: entry.annotations ?? {},
    })),
  };
}

function toDescriptor(json: v.InferOutput<typeof descriptorSchema>): Descriptor {
  return {
    mediaType: json.mediaType,
    digest: json.digest,
    sizeBytes: json.size,
  };
}

/** A platform of a JSON document, where an absent variant may be absent, null or empty. */
export function toPlatform(json: {
  os: string;
  architecture: string;
  variant?: string | null | undefined;
}): Platform {
  const { os, architecture, variant } = json;
  return { os, architecture, ...(variant ? { variant } : {}) };
}

type Fail = (state: string, hint?: string) => MbctlError;

function checked<S extends v.GenericSchema>(
  schema: S,
  json: unknown,
  fail: Fail,
): v.InferOutput<S> {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  throw fail(describeIssue(result.issues[0]));
}

/** One broken rule of a JSON document as `layers.0.size: Invalid type: …`. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  const message = issue.message.startsWith("Invalid key: ")
    ? "it is missing"
    : issue.message.replace(/^Invalid type: /, "");
  return path === null ? message : `${path}: ${message}`;
}
