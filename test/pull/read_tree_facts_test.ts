/** What layers tell of a system: from the store, its tree, and a registry that may fail. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BlobSource } from "../../lib/image/blob_source.ts";
import { chainId } from "../../lib/image/chain_id.ts";
import { parseImageConfig } from "../../lib/image/config.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { ociLayer } from "../../lib/image/media_types.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { decideImageMode } from "../../lib/pull/decide_image_mode.ts";
import type { LocatedImage } from "../../lib/pull/locate_image.ts";
import { missingBytes, readTreeFacts } from "../../lib/pull/read_tree_facts.ts";
import { writeBlob } from "../../lib/store/blobs.ts";
import type { OpenStore } from "../../lib/store/store.ts";
import { beginTree } from "../../lib/store/trees.ts";
import { file, symlink, tar } from "../layers/raw_tar.ts";
import { bytesOf, plainTrees, workshop } from "../store/_workshop.ts";

const shop = workshop();

const lower = tar(
  symlink("etc/os-release", "../usr/lib/os-release"),
  file("usr/bin/apt-get", "x".repeat(50_000)),
  file("usr/lib/os-release", 'PRETTY_NAME="Debian GNU/Linux 12"\n'),
  file("usr/share/last", bytesOf("last", 2_000_000)),
);
const upper = tar(file("usr/bin/app", "z"));
const expected = { system: "Debian GNU/Linux 12", packageManagers: ["apt"] };

/** An image of layers, compressed, and a registry that has them. */
function imageOf(plain: readonly Uint8Array[], run: object = { Cmd: ["bash"] }) {
  const blobs = plain.map((bytes) => Bun.gzipSync(new Uint8Array(bytes)));
  const layers = blobs.map((blob) => ({
    mediaType: ociLayer,
    digest: digestOf(blob),
    sizeBytes: blob.length,
    compression: "gzip" as const,
  }));
  const config = parseImageConfig({
    os: "linux",
    architecture: "amd64",
    config: run,
    rootfs: { diff_ids: plain.map((bytes) => digestOf(bytes)) },
  });
  let fetched = 0;
  const source: BlobSource = {
    async open({ digest }) {
      const blob = blobs[layers.findIndex((layer) => layer.digest === digest)] ?? Buffer.of();
      return {
        offset: 0,
        chunks: (async function* () {
          for (let at = 0; at < blob.length; at += 100) {
            fetched += 100;
            yield blob.subarray(at, at + 100);
          }
        })(),
      };
    },
  };
  const located = (sources: readonly BlobSource[]): LocatedImage => ({
    found: {
      ref: parseImageRef("example.org/system:1"),
      digest: digestOf("index"),
      manifestDigest: digestOf("manifest"),
      manifest: {
        kind: "manifest",
        config: { mediaType: "application/json", digest: digestOf("config"), sizeBytes: 6 },
        layers,
      } as unknown as LocatedImage["found"]["manifest"],
      config,
      configText: "config",
    },
    origin: "registry",
    resolvedMs: 0,
    verifiedBy: undefined,
    documents: [],
    blobs: async () => sources,
    async [Symbol.asyncDispose]() {},
  });
  return { blobs, layers, config, source, located, fetched: () => fetched };
}

function keep(store: OpenStore, { blobs, layers }: ReturnType<typeof imageOf>) {
  for (const [place, { digest }] of layers.entries())
    writeBlob(store, digest, blobs[place] ?? Buffer.of());
}

const noSource: BlobSource = {
  open: () => Promise.reject(new Error("nobody is to be asked")),
};

describe("readTreeFacts()", () => {
  test("reads the layers of the store, and asks nobody", async () => {
    using store = await shop.open();
    const image = imageOf([lower, upper]);
    keep(store, image);
    const tools = { store, located: image.located([noSource]) };
    expect(missingBytes(tools)).toBe(0);
    expect(await readTreeFacts(tools)).toEqual(expected);
  });

  test("begins with the topmost layer", async () => {
    using store = await shop.open();
    const image = imageOf([lower, tar(file("usr/bin/.wh.apt-get"))]);
    keep(store, image);
    expect(await readTreeFacts({ store, located: image.located([noSource]) })).toEqual({
      system: "Debian GNU/Linux 12",
      packageManagers: [],
    });
  });

  test("reads what is missing from the registry, no more than it needs, and keeps nothing", async () => {
    using store = await shop.open();
    const image = imageOf([lower, upper]);
    const tools = { store, located: image.located([noSource, image.source]) };
    const size = image.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(missingBytes(tools)).toBe(size);
    expect(await readTreeFacts(tools)).toEqual(expected);
    expect(image.fetched()).toBeLessThan(size / 2);
    expect(missingBytes(tools)).toBe(size);
  });

  test("reads the tree of the store where there is one", async () => {
    using store = await shop.open();
    const image = imageOf([lower]);
    const staged = await beginTree(store, chainId(image.config.diffIds), plainTrees, {});
    if (staged === "present") throw new Error("the store is new");
    await using held = staged;
    for (const folder of ["etc", "usr/bin", "usr/lib"])
      mkdirSync(join(held.path, folder), { recursive: true });
    writeFileSync(join(held.path, "usr/bin/dnf5"), "");
    writeFileSync(join(held.path, "etc/os-release"), "PRETTY_NAME=Tree\n");
    const facts = { manifestDigest: digestOf("manifest"), entries: 5, allocatedBytes: 0 };
    await held.commit(facts);
    const tools = { store, located: image.located([noSource]) };
    expect(missingBytes(tools)).toBe(0);
    expect(await readTreeFacts(tools)).toEqual({ system: "Tree", packageManagers: ["dnf"] });
  });

  test("says which layer cannot be read", async () => {
    using store = await shop.open();
    const image = imageOf([Buffer.alloc(5000, 1)]);
    expect(readTreeFacts({ store, located: image.located([image.source]) })).rejects.toThrow(
      `Cannot read layer "${image.layers[0]?.digest}": its header has`,
    );
  });

  test("ends when the user stops it", async () => {
    using store = await shop.open();
    const image = imageOf([lower]);
    const signal = AbortSignal.abort();
    expect(readTreeFacts({ store, located: image.located([noSource]), signal })).rejects.toThrow(
      "Interrupted",
    );
  });
});

describe("decideImageMode()", () => {
  const options = { maxMissingBytes: 10_000_000, onMissing: () => {} };

  test("reads no layer of an image with a program", async () => {
    using store = await shop.open();
    const image = imageOf([lower], { Entrypoint: ["/app"] });
    const decided = await decideImageMode({ store, located: image.located([noSource]) }, options);
    expect(decided.mode).toBe("direct");
  });

  test("tells of layers that it must fetch, and lets them be kept", async () => {
    using store = await shop.open();
    const image = imageOf([lower]);
    const told: number[] = [];
    const decided = await decideImageMode(
      { store, located: image.located([noSource]) },
      {
        ...options,
        onMissing(bytes) {
          told.push(bytes);
          keep(store, image);
        },
      },
    );
    expect(decided.mode).toBe("base");
    expect(told).toEqual([image.layers[0]?.sizeBytes ?? 0]);
  });

  test("leaves it open where more is missing than may be fetched", async () => {
    using store = await shop.open();
    const image = imageOf([lower]);
    const located = image.located([noSource]);
    const decided = await decideImageMode({ store, located }, { ...options, maxMissingBytes: 0 });
    expect(decided.mode).toBeUndefined();
  });
});
