import { expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseImageRef } from "../../lib/image/reference.ts";
import { discardBlob } from "../../lib/store/blobs.ts";
import { findStored } from "../../lib/store/images.ts";
import { blobPath } from "../../lib/store/paths.ts";
import { storedReferences } from "../../lib/store/references.ts";
import type { OpenStore } from "../../lib/store/store.ts";
import { findTree, type StoredTree } from "../../lib/store/trees.ts";
import { verifyStore } from "../../lib/store/verify.ts";
import { type MadeImage, plainTrees, platform, storeImage, workshop } from "./_workshop.ts";

const shop = workshop();
const tools = plainTrees;

async function fill(store: OpenStore): Promise<readonly [MadeImage, MadeImage]> {
  return [
    await storeImage(store, "nginx:1", { layers: ["a", "b"], withTree: true }),
    await storeImage(store, "redis:7", { layers: ["a", "c"], withTree: true }),
  ];
}

/** Changes one byte in the middle of a blob. */
function damage(image: MadeImage, part: "index" | "manifest" | "config" | "layer"): string {
  const digest = part === "layer" ? (image.layers[1] ?? image.index) : image[part];
  const path = blobPath(shop.paths, digest);
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return digest;
}

test("verifyStore() finds a good store good", async () => {
  using store = await shop.open();
  const [web, other] = await fill(store);
  let last = [0, 0];
  const checked: string[] = [];
  const report = await verifyStore(store, {
    tools,
    onProgress: (...progress) => {
      last = progress;
    },
    checkTree: async (tree: StoredTree, image) => {
      checked.push(`${tree.chain} ${image.manifestDigest}`);
      return undefined;
    },
  });
  expect(report).toEqual({
    blobs: 9,
    bytes: expect.any(Number),
    damagedBlobs: [],
    references: 2,
    damagedReferences: [],
    incomplete: [],
    trees: [web, other]
      .map(({ chain }) => ({ chain, state: "right" as const }))
      .sort((a, b) => (a.chain < b.chain ? -1 : 1)),
  });
  expect(last).toEqual([report.bytes, report.bytes]);
  expect(checked.sort()).toEqual(
    [web, other].map(({ chain, manifest }) => `${chain} ${manifest}`).sort(),
  );
  expect(shop.damage).toEqual([]);
});

test.each(["index", "manifest", "config"] as const)(
  "verifyStore() throws out a damaged %s, and the reference that leads there",
  async (part) => {
    using store = await shop.open();
    const [web] = await fill(store);
    const digest = damage(web, part);
    const report = await verifyStore(store, { tools });
    expect(report).toMatchObject({
      damagedBlobs: [digest],
      damagedReferences: ["docker.io/library/nginx:1"],
    });
    expect(storedReferences(store)).toEqual(["docker.io/library/redis:7"]);
    expect(shop.damage).toHaveLength(2);
    const again = await verifyStore(store, { tools });
    expect([again.damagedBlobs, again.damagedReferences]).toEqual([[], []]);
  },
);

test("verifyStore() throws out a damaged layer, and says which image lacks it", async () => {
  using store = await shop.open();
  const [web] = await fill(store);
  const digest = damage(web, "layer");
  const checkTree = async () => undefined;
  const report = await verifyStore(store, { tools, checkTree });
  expect(report).toMatchObject({
    damagedBlobs: [digest],
    damagedReferences: [],
    incomplete: [{ reference: "docker.io/library/nginx:1", missing: 1 }],
  });
  expect(report.trees.find(({ chain }) => chain === web.chain)).toEqual({
    chain: web.chain,
    state: "unchecked",
    why: "its layers are not in the store",
  });
  const missing = findStored(store, parseImageRef("nginx:1"), platform)?.missing;
  expect(missing?.map((layer) => String(layer.digest))).toEqual([digest]);
});

test("verifyStore() removes a tree that differs from its layers", async () => {
  using store = await shop.open();
  const [web, other] = await fill(store);
  const checkTree = async ({ chain, path }: StoredTree) => {
    expect(statSync(join(path, "file")).isFile()).toBe(true);
    return chain === web.chain ? "/file differs" : undefined;
  };
  const report = await verifyStore(store, { tools, checkTree });
  expect(report.trees).toContainEqual({
    chain: web.chain,
    state: "damaged",
    why: "/file differs",
  });
  expect([findTree(store, web.chain), findTree(store, other.chain)?.chain]).toEqual([
    undefined,
    other.chain,
  ]);
});

test("verifyStore() removes files that are no references, and can be stopped", async () => {
  using store = await shop.open();
  const [web] = await fill(store);
  const path = join(shop.paths.references, "docker.io%2Flibrary%2Fnginx:1.json");
  writeFileSync(path, "");
  expect((await verifyStore(store, { tools })).damagedReferences).toEqual([path]);
  discardBlob(store, web.index);
  const signal = AbortSignal.abort();
  await expect(verifyStore(store, { tools, signal })).rejects.toThrow("Interrupted");
});
