import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chainId } from "../../lib/image/chain_id.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { treeFactsPath, treePath } from "../../lib/store/paths.ts";
import { storesTrees } from "../../lib/store/tree_policy.ts";
import {
  beginTree,
  findTree,
  listTrees,
  removeTreeOf,
  touchTree,
  type TreeTools,
} from "../../lib/store/trees.ts";
import { plainTrees, stageTree, workshop } from "./_workshop.ts";

const shop = workshop();
const chain = digestOf("chain");
const facts = { manifestDigest: digestOf("manifest"), entries: 3, allocatedBytes: 8192 };

test("chainId() is that of the specification", () => {
  const [a, b, c] = [digestOf("a"), digestOf("b"), digestOf("c")];
  expect(chainId([a])).toBe(a);
  expect(chainId([a, b])).toBe(digestOf(`${a} ${b}`));
  expect(chainId([a, b, c])).toBe(digestOf(`${digestOf(`${a} ${b}`)} ${c}`));
  expect(chainId([])).toBe(digestOf(""));
});

test.each([
  ["snapshot", "auto", true],
  ["reflink", "auto", true],
  ["copy", "auto", false],
  ["copy", "always", true],
  ["snapshot", "never", false],
] as const)("storesTrees(%s, %s) is %s", (cloning, setting, stores) => {
  expect(storesTrees(cloning, setting)).toBe(stores);
});

test("a tree is there when it is committed, for root alone", async () => {
  using store = await shop.open();
  const calls: string[] = [];
  const tools: TreeTools = {
    ...plainTrees,
    sync: () => void calls.push("sync"),
    seal: () => void calls.push("seal"),
  };
  const tree = await stageTree(store, chain, tools);
  writeFileSync(join(tree.path, "file"), "content");
  expect(findTree(store, chain)).toBeUndefined();
  await tree.commit(facts);
  await tree[Symbol.asyncDispose]();
  expect(calls).toEqual(["sync", "seal"]);
  const path = treePath(shop.paths, chain);
  expect(findTree(store, chain)).toEqual({ ...facts, chain, path, usedMs: expect.any(Number) });
  expect(readFileSync(join(path, "file"), "utf8")).toBe("content");
  expect(statSync(shop.paths.trees).mode & 0o777).toBe(0o700);
  expect(statSync(shop.paths.machineTrees).mode & 0o777).toBe(0o700);
  expect(shop.leftovers()).toEqual([]);
  expect(await beginTree(store, chain, plainTrees)).toBe("present");
  touchTree(store, chain, 1_700_000_000_000);
  expect(findTree(store, chain)?.usedMs).toBe(1_700_000_000_000);
});

test("a tree that is given up leaves nothing", async () => {
  using store = await shop.open();
  {
    await using tree = await stageTree(store, chain);
    writeFileSync(join(tree.path, "file"), "content");
  }
  expect(shop.leftovers()).toEqual([]);
  expect(readdirSync(shop.paths.trees)).toEqual([]);
});

test("a second maker waits for the first, and finds the tree there", async () => {
  using store = await shop.open();
  const first = await stageTree(store, chain);
  const waits: string[] = [];
  const second = beginTree(store, chain, plainTrees, { onWait: (text) => waits.push(text) });
  await first.commit(facts);
  expect(await second).toBe("present");
  expect(waits).toHaveLength(1);
  expect(shop.leftovers()).toEqual([]);
});

test("what a killed maker left is removed by the next, that of another tree is not", async () => {
  using store = await shop.open();
  const hex = chain.slice(7);
  const left = [`.mbctl-new.${hex}.1.1`, `.mbctl-new.${"0".repeat(64)}.1.1`];
  for (const name of left) mkdirSync(join(shop.paths.trees, name, "inside"), { recursive: true });
  await using _ = await stageTree(store, chain);
  const names = readdirSync(shop.paths.trees);
  expect(names.filter((name) => left.includes(name))).toEqual(left.slice(1));
});

const damages: readonly (readonly [what: string, damage: (note: string) => void])[] = [
  ["has no note", (note) => rmSync(note)],
  ["has an empty note", (note) => writeFileSync(note, "")],
  [
    "has the note of another tree",
    (note) => writeFileSync(note, readFileSync(note, "utf8").replace(chain, digestOf("x"))),
  ],
];
test.each(damages)("a tree that %s is not used, and made anew", async (_, damage) => {
  using store = await shop.open();
  const tree = await stageTree(store, chain);
  await tree.commit(facts);
  damage(treeFactsPath(shop.paths, chain));
  expect(findTree(store, chain)).toBeUndefined();
  const path = treePath(shop.paths, chain);
  expect(listTrees(store).strangers).toContain(path);
  const again = await stageTree(store, chain);
  expect(readdirSync(again.path)).toEqual([]);
  await again.commit(facts);
  expect(listTrees(store)).toMatchObject({ trees: [{ chain, path }], strangers: [] });
});

test("removeTreeOf() takes its name from a tree before it removes it", async () => {
  using store = await shop.open();
  const tree = await stageTree(store, chain);
  await tree.commit(facts);
  const seen: string[][] = [];
  await removeTreeOf(store, chain, {
    remove(path) {
      seen.push(readdirSync(shop.paths.trees));
      rmSync(path, { recursive: true });
    },
  });
  expect(seen).toEqual([[expect.stringMatching(/^\.mbctl-new\./)]]);
  expect(readdirSync(shop.paths.trees)).toEqual([]);
});

test("names in the trees' folder that are not ours are left alone", async () => {
  using store = await shop.open();
  mkdirSync(join(shop.paths.trees, "lost+found"), { recursive: true });
  expect(listTrees(store)).toEqual({ trees: [], strangers: [] });
});
