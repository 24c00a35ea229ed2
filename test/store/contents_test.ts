import { expect, test } from "bun:test";
import { existsSync, linkSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../lib/image/digest.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { applyPrune } from "../../lib/store/apply_prune.ts";
import { discardBlob } from "../../lib/store/blobs.ts";
import { readContents } from "../../lib/store/contents.ts";
import { type ImageUse, readImageUses } from "../../lib/store/image_use.ts";
import { findStored } from "../../lib/store/images.ts";
import { planPrune, type PruneOptions } from "../../lib/store/prune.ts";
import type { OpenStore } from "../../lib/store/store.ts";
import { measureTree } from "../../lib/store/stored_file.ts";
import { findTree } from "../../lib/store/trees.ts";
import {
  bytesOf,
  type MadeImage,
  plainTrees,
  platform,
  stageBlob,
  storeImage,
  storeLayer,
  workshop,
} from "./_workshop.ts";

const shop = workshop();
const nowMs = Date.now();

async function prune(
  store: OpenStore,
  uses: readonly ImageUse[],
  options: Partial<PruneOptions> = {},
) {
  const plan = planPrune(readContents(store, uses), { nowMs, ...options });
  const freedBytes = await applyPrune(store, plan, { tools: plainTrees });
  expect(freedBytes).toBe(plan.freedBytes);
  return plan;
}

const find = (store: OpenStore, reference: string) =>
  findStored(store, parseImageRef(reference), platform);

const useOf = (machine: string, image: MadeImage): ImageUse => ({
  machine,
  digests: [image.index, image.manifest],
});

function writeMachine(name: string, text: string): void {
  const folder = join(shop.root, "var/lib/man8machine_configs", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "machine.toml"), text);
}

test("readContents() tells what each image consists of and who uses it", async () => {
  using store = await shop.open();
  const web = await storeImage(store, "nginx:1", { layers: ["a", "b", "b"], withTree: true });
  const other = await storeImage(store, "redis:7", { layers: ["a", "c"], usedMs: 1000 });
  const contents = readContents(store, [useOf("web", web)]);
  expect(contents.images.map(({ manifestDigest }) => manifestDigest).sort()).toEqual(
    [web.manifest, other.manifest].sort(),
  );
  expect(contents.images.find(({ machines }) => machines.length > 0)).toMatchObject({
    manifestDigest: web.manifest,
    platform,
    references: [{ reference: "docker.io/library/nginx:1" }],
    machines: ["web"],
    documents: [web.index, web.manifest],
    config: web.config,
    layers: web.layers.slice(0, 2),
    layersSizeBytes: 10_000,
    missing: [],
    chain: web.chain,
  });
  expect(contents.trees).toMatchObject([{ chain: web.chain, machines: ["web"] }]);
  expect(contents.blobs).toHaveLength(3 + 3 + 3);
  expect([contents.partials, contents.litter]).toEqual([[], []]);
});

test("an image that only a machine names is known by its manifest", async () => {
  using store = await shop.open("exclusive");
  const web = await storeImage(store, "nginx:1", { layers: ["a"] });
  for (const name of readdirSync(shop.paths.references))
    truncateSync(join(shop.paths.references, name));
  const contents = readContents(store, [useOf("web", web)]);
  expect(contents.images).toMatchObject([{ manifestDigest: web.manifest, references: [] }]);
  expect(contents.litter).toHaveLength(1);
  await prune(store, [useOf("web", web)], { everything: true });
  expect(find(store, `nginx@${web.index}`)?.missing).toEqual([]);
  expect(readdirSync(shop.paths.references)).toEqual([]);
});

test("pruning leaves what machines use, and shared layers", async () => {
  using store = await shop.open("exclusive");
  const web = await storeImage(store, "nginx:1", { layers: ["a", "b"], withTree: true });
  const other = await storeImage(store, "redis:7", { layers: ["a", "c"], withTree: true });
  const { freedBytes } = await prune(store, [useOf("web", web)]);
  expect(find(store, "nginx:1")?.missing).toEqual([]);
  expect(find(store, "redis:7")).toBeUndefined();
  expect([findTree(store, web.chain)?.chain, findTree(store, other.chain)]).toEqual([
    web.chain,
    undefined,
  ]);
  expect(freedBytes).toBeGreaterThan(5000);
  expect(readContents(store, []).blobs).toHaveLength(5);
  await prune(store, []);
  const left = readContents(store, []);
  expect([left.images, left.blobs, left.trees]).toEqual([[], [], []]);
  expect(shop.leftovers()).toEqual([]);
});

test("an image that the manifest was lost of does not lose its tree to a prune", async () => {
  using store = await shop.open("exclusive");
  const web = await storeImage(store, "nginx:1", { layers: ["a"], withTree: true });
  discardBlob(store, web.manifest);
  await prune(store, [useOf("web", web)], { everything: true });
  expect(findTree(store, web.chain)).toBeDefined();
  await prune(store, []);
  expect(findTree(store, web.chain)).toBeUndefined();
});

test("litter goes, with what is unknown in the cache; a download under way stays", async () => {
  using store = await shop.open("exclusive");
  const web = await storeImage(store, "nginx:1", { layers: ["a"], withTree: true });
  const bytes = bytesOf("partial", 900);
  using partial = await stageBlob(store, { digest: digestOf(bytes), sizeBytes: 900 });
  partial.append(bytes.subarray(0, 100));
  const hex = "1".repeat(64);
  writeFileSync(join(shop.paths.partial, ".mbctl-new.1.1"), "");
  writeFileSync(join(shop.paths.references, ".mbctl-new.1.2"), "");
  writeFileSync(join(shop.paths.blobs, "stranger"), "");
  mkdirSync(join(shop.paths.trees, `.mbctl-new.${hex}.1.1/usr/bin`), { recursive: true });
  mkdirSync(join(shop.paths.trees, `sha256-${hex}`));
  writeFileSync(join(shop.paths.trees, `sha256-${"2".repeat(64)}.json`), "");
  mkdirSync(join(shop.paths.trees, "lost+found"));
  const contents = readContents(store, [useOf("web", web)]);
  expect(contents.litter.filter(({ kind }) => kind === "file")).toHaveLength(4);
  expect(contents.litter.filter(({ kind }) => kind === "tree")).toHaveLength(2);
  await prune(store, [useOf("web", web)]);
  expect(readContents(store, []).litter).toEqual([]);
  expect(readContents(store, []).partials).toHaveLength(1);
  expect(existsSync(join(shop.paths.trees, "lost+found"))).toBe(true);
  // Its lock is held: not even everything has it.
  const contentsNow = readContents(store, [useOf("web", web)]);
  const plan = planPrune(contentsNow, { nowMs, everything: true });
  expect(plan.removals.map(({ kind }) => kind)).toEqual(["partial"]);
  expect(await applyPrune(store, plan, { tools: plainTrees })).toBe(0);
  partial.append(bytes.subarray(100));
  partial.commit();
});

test("a layer that nothing leads to goes; applyPrune() wants the store alone and can be stopped", async () => {
  using shared = await shop.open();
  await storeLayer(shared, bytesOf("a", 100));
  const plan = planPrune(readContents(shared, []), { nowMs });
  expect(plan.removals).toHaveLength(1);
  await expect(applyPrune(shared, plan, { tools: plainTrees })).rejects.toThrow(TypeError);
  shared[Symbol.dispose]();
  using store = await shop.open("exclusive");
  const signal = AbortSignal.abort();
  await expect(applyPrune(store, plan, { tools: plainTrees, signal })).rejects.toThrow(
    "Interrupted",
  );
  const gone: string[] = [];
  const onRemoved = ({ name }: { name: string }) => gone.push(name);
  await applyPrune(store, plan, { tools: plainTrees, onRemoved });
  expect(gone).toEqual([digestOf(bytesOf("a", 100))]);
});

test("readImageUses() reads what machines name, broken and unfinished ones too", () => {
  const [a, b, c] = [digestOf("a"), digestOf("b"), digestOf("c")];
  expect(readImageUses(shop.root)).toEqual([]);
  writeMachine("web", `[image]\ndigest = "${a}"\nmanifest_digest = "${b}"\nreference = "x@${a}"\n`);
  writeMachine("broken", `[image\ndigest = "${c}"\nother = "sha256:12"\n`);
  writeMachine(".mbctl-new.db", `digest = "${a}"\n`);
  mkdirSync(join(shop.root, "var/lib/man8machine_configs/empty"));
  expect(readImageUses(shop.root)).toEqual([
    { machine: ".mbctl-new.db", digests: [a] },
    { machine: "broken", digests: [c] },
    { machine: "web", digests: [a, b] },
  ]);
});

test("measureTree() counts a file with two names once, and names that are no UTF-8", () => {
  const tree = join(shop.root, "tree");
  mkdirSync(join(tree, "folder"), { recursive: true });
  writeFileSync(join(tree, "one"), bytesOf("x", 100_000));
  linkSync(join(tree, "one"), join(tree, "folder/two"));
  const once = measureTree(tree);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), "x");
  const twice = measureTree(tree);
  expect([once.entries, twice.entries]).toEqual([4, 5]);
  expect(once.allocatedBytes).toBeGreaterThanOrEqual(100_000);
  expect(once.allocatedBytes).toBeLessThan(150_000);
  expect(twice.allocatedBytes).toBeGreaterThan(once.allocatedBytes);
});
