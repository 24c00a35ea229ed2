import { expect, test } from "bun:test";
import { digestOf } from "../../lib/image/digest.ts";
import { layersSizeBytes, parseManifest } from "../../lib/image/manifest.ts";
import * as media from "../../lib/image/media_types.ts";

const a = digestOf("a");
const b = digestOf("b");
const oci = {
  schemaVersion: 2,
  config: { mediaType: media.ociConfig, digest: a, size: 10 },
  layers: [
    { mediaType: `${media.ociLayer}+zstd`, digest: b, size: 20 },
    { mediaType: media.ociLayer, digest: b, size: 20 },
  ],
};
const docker = {
  schemaVersion: 2,
  mediaType: media.dockerManifest,
  config: { mediaType: media.dockerConfig, digest: a, size: 10 },
  layers: [{ mediaType: `${media.dockerLayer}.gzip`, digest: b, size: 20 }],
};
const index = {
  schemaVersion: 2,
  mediaType: media.dockerIndex,
  manifests: [
    {
      mediaType: media.dockerManifest,
      digest: a,
      size: 5,
      platform: { os: "linux", architecture: "arm", variant: "v7" },
    },
    {
      mediaType: media.dockerManifest,
      digest: b,
      size: 5,
      platform: { os: "linux", architecture: "amd64", variant: "" },
    },
    { mediaType: media.dockerManifest, digest: b, size: 5 },
  ],
};
const parse = (json: unknown) => parseManifest(JSON.stringify(json), "x");

test("parseManifest() reads OCI manifests, with and without a media type", () => {
  const expected = {
    kind: "manifest",
    format: "oci",
    config: { mediaType: media.ociConfig, digest: a, sizeBytes: 10 },
    layers: [
      {
        mediaType: `${media.ociLayer}+zstd`,
        digest: b,
        sizeBytes: 20,
        compression: "zstd",
      },
      {
        mediaType: media.ociLayer,
        digest: b,
        sizeBytes: 20,
        compression: "none",
      },
    ],
  };
  expect<unknown>(parse(oci)).toEqual(expected);
  expect<unknown>(parse({ ...oci, mediaType: media.ociManifest })).toEqual(expected);
});

test("parseManifest() reads Docker's schema 2", () => {
  expect<unknown>(parse(docker)).toEqual({
    kind: "manifest",
    format: "docker",
    config: { mediaType: media.dockerConfig, digest: a, sizeBytes: 10 },
    layers: [
      {
        mediaType: `${media.dockerLayer}.gzip`,
        digest: b,
        sizeBytes: 20,
        compression: "gzip",
      },
    ],
  });
});

test("parseManifest() reads indexes", () => {
  const entry = {
    mediaType: media.dockerManifest,
    sizeBytes: 5,
    annotations: {},
  };
  expect<unknown>(parse(index)).toEqual({
    kind: "index",
    format: "docker",
    manifests: [
      {
        ...entry,
        digest: a,
        platform: { os: "linux", architecture: "arm", variant: "v7" },
      },
      { ...entry, digest: b, platform: { os: "linux", architecture: "amd64" } },
      { ...entry, digest: b },
    ],
  });
  const { mediaType: _, ...untyped } = index;
  expect(parse(untyped).format).toBe("oci");
});

test("layersSizeBytes() counts a layer once", () => {
  const manifest = parse(oci);
  if (manifest.kind !== "manifest") throw new Error("no manifest");
  expect(layersSizeBytes(manifest)).toBe(20);
});

test("parseManifest() says why it cannot use a manifest", () => {
  const layer = oci.layers[0];
  const rows: readonly (readonly [json: unknown, state: string])[] = [
    [{ schemaVersion: 1, fsLayers: [] }, "it is of Docker's obsolete schema 1"],
    [
      { schemaVersion: 2, mediaType: media.dockerSchema1[1] },
      "it is of Docker's obsolete schema 1",
    ],
    [{ ...oci, schemaVersion: 3 }, "its schemaVersion is 3, not 2"],
    [[], "schemaVersion: it is missing"],
    ["x", 'Expected Object but received "x"'],
    [{}, "schemaVersion: it is missing"],
    [{ ...oci, manifests: [] }, "it is both a manifest and an index"],
    [{ ...oci, mediaType: "text/plain" }, 'its media type is "text/plain"'],
    [{ ...oci, layers: {} }, "layers: Expected Array but received Object"],
    [
      { ...oci, layers: [{ ...layer, size: -1 }] },
      "layers.0.size: Invalid value: Expected >=0 but received -1",
    ],
    [
      { ...oci, layers: [{ ...layer, size: 1.5 }] },
      "layers.0.size: Invalid safe integer: Received 1.5",
    ],
    [{ ...oci, layers: [{ ...layer, digest: "sha256:../x" }] }, "layers.0.digest: it is no digest"],
    [
      {
        ...oci,
        layers: [{ ...layer, mediaType: `${media.ociLayer}+encrypted` }],
      },
      `layer 1 is of the unsupported type "${media.ociLayer}+encrypted"`,
    ],
    [
      { ...oci, layers: [layer, { ...layer, mediaType: "toString" }] },
      'layer 2 is of the unsupported type "toString"',
    ],
    [
      {
        ...oci,
        config: {
          ...oci.config,
          mediaType: "application/vnd.cncf.helm.config.v1+json",
        },
      },
      'it is no container image but has a configuration of type "application/vnd.cncf.helm.config.v1+json"',
    ],
    [{ ...index, manifests: [{ digest: a, size: 1 }] }, "manifests.0.mediaType: it is missing"],
  ];
  const messages = rows.map(([json]) => {
    try {
      parse(json);
    } catch (error) {
      return String(error);
    }
    return "it did not fail";
  });
  expect(messages).toEqual(
    rows.map(([, state]) => `MbctlError: Cannot use the manifest of image "x": ${state}`),
  );
  expect(() => parseManifest("{", "x")).toThrow(
    'Cannot use the manifest of image "x": it is no JSON',
  );
});
