import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { digestOf } from "../../lib/image/digest.ts";
import * as media from "../../lib/image/media_types.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { discardBlob, writeBlob } from "../../lib/store/blobs.ts";
import { findStored, findStoredDigest } from "../../lib/store/images.ts";
import { blobPath } from "../../lib/store/paths.ts";
import { writeReference } from "../../lib/store/references.ts";
import { storeBelow } from "../../lib/store/store.ts";
import { platform, storeImage, workshop } from "./_workshop.ts";

const shop = workshop();
const reference = "docker.io/library/nginx:1";
const ref = parseImageRef(reference);

test("findStored() gives all that a registry would tell, by tag and by digest", async () => {
  using store = await shop.open();
  const made = await storeImage(store, reference, { layers: ["a", "b"] });
  const found = findStored(store, ref, platform);
  expect(found).toMatchObject({
    ref,
    digest: made.index,
    manifestDigest: made.manifest,
    noted: { reference, digest: made.index },
    missing: [],
  });
  expect(found?.manifest.layers.map(({ digest }) => digest)).toEqual([...made.layers]);
  expect(digestOf(found?.configText ?? "")).toBe(made.config);
  expect(found?.documents.map(({ digest, text }) => [digest, digestOf(text)])).toEqual([
    [made.index, made.index],
    [made.manifest, made.manifest],
  ]);

  for (const digest of [made.index, made.manifest]) {
    const pinned = parseImageRef(`nginx@${digest}`);
    expect(findStored(store, pinned, platform)).toMatchObject({
      ref: pinned,
      digest,
      manifestDigest: made.manifest,
      noted: undefined,
    });
  }
  // A tag beside a digest is for people.
  expect(findStored(store, parseImageRef(`nginx:2@${made.manifest}`), platform)).toBeDefined();
  expect(findStored(store, parseImageRef("nginx:2"), platform)).toBeUndefined();
});

test("findStored() says which layers are missing", async () => {
  using store = await shop.open();
  const made = await storeImage(store, reference, { layers: ["a", "b"] });
  const [lowest = made.config] = made.layers;
  discardBlob(store, lowest);
  const missing = findStored(store, ref, platform)?.missing;
  expect(missing?.map(({ digest }) => digest)).toEqual([lowest]);
});

test.each(["index", "manifest", "config"] as const)(
  "findStored() finds nothing without the %s, or with a damaged one",
  async (part) => {
    using store = await shop.open();
    const made = await storeImage(store, reference, { layers: ["a"] });
    const path = blobPath(shop.paths, made[part]);
    writeFileSync(path, "{}");
    expect(findStored(storeBelow(shop.root), ref, platform)).toBeUndefined();
    expect(findStored(store, ref, platform)).toBeUndefined();
    expect(shop.damage).toHaveLength(1);
    // Now it is gone.
    expect(findStored(store, ref, platform)).toBeUndefined();
    expect(shop.damage).toHaveLength(1);
  },
);

test("findStored() finds nothing for another platform", async () => {
  using store = await shop.open();
  const made = await storeImage(store, reference, { layers: ["a"] });
  const arm = { os: "linux", architecture: "arm64" };
  expect(findStored(store, ref, arm)).toBeUndefined();
  expect(findStoredDigest(store, ref, made.manifest, arm)).toBeUndefined();
});

test("findStored() follows nested indexes, and no circle without end", async () => {
  using store = await shop.open();
  const made = await storeImage(store, reference, { layers: ["a"] });
  const wrap = (digest: string, size: number) => {
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: media.ociIndex,
      manifests: [{ mediaType: media.ociIndex, digest, size, platform }],
    });
    const bytes = Buffer.from(text);
    writeBlob(store, digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  let outer = wrap(made.index, 10);
  expect(findStoredDigest(store, ref, outer.digest, platform)?.documents).toHaveLength(3);
  for (let depth = 0; depth < 4; depth++) outer = wrap(outer.digest, outer.size);
  expect(findStoredDigest(store, ref, outer.digest, platform)).toBeUndefined();
});

test("findStored() finds nothing where manifest and configuration do not fit each other", async () => {
  using store = await shop.open();
  const config = Buffer.from(
    JSON.stringify({ ...platform, rootfs: { type: "layers", diff_ids: [digestOf("one")] } }),
  );
  writeBlob(store, digestOf(config), config);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: media.ociConfig, digest: digestOf(config), size: config.length },
      layers: [],
    }),
  );
  writeBlob(store, digestOf(manifest), manifest);
  expect(findStoredDigest(store, ref, digestOf(manifest), platform)).toBeUndefined();
  // And nothing where a reference leads to what is no manifest at all.
  const named = { digest: digestOf(config), manifestDigest: digestOf(config), resolvedMs: 0 };
  writeReference(store, ref, { ...named, reference, platform });
  expect(findStored(store, ref, platform)).toBeUndefined();
});
