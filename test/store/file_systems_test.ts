/** Stored trees on real file systems: as the file system makes, seals, clones and removes them. */

import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syncFileSystemOf } from "../../lib/host/files.ts";
import { removeTree } from "../../lib/trees/remove_tree.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { cloneKind, cloneTree, makeTree, sealTree } from "../../lib/trees/tree.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { applyPrune } from "../../lib/store/apply_prune.ts";
import { readContents } from "../../lib/store/contents.ts";
import { planPrune } from "../../lib/store/prune.ts";
import { openStore } from "../../lib/store/store.ts";
import { storePaths } from "../../lib/store/paths.ts";
import { findTree, type TreeTools } from "../../lib/store/trees.ts";
import { canMount, mountFileSystem } from "../trees/_loop.ts";
import { leftovers, stageTree } from "./_workshop.ts";

const tools: TreeTools = {
  make: makeTree,
  seal: sealTree,
  remove: removeTree,
  sync: syncFileSystemOf,
};
const chain = digestOf("chain");
const facts = { manifestDigest: digestOf("manifest"), entries: 3, allocatedBytes: 8192 };

describe.skipIf(!canMount)("on a loop device", () => {
  test.each([
    ["btrfs", "snapshot"],
    ["xfs", "reflink"],
    ["ext4", "copy"],
  ] as const)(
    "%s stores a tree, clones it (%s), and lets it go",
    async (kind, cloning) => {
      await using mounted = await mountFileSystem(kind, 400);
      const root = join(mounted.path, "root");
      const { trees, machineTrees } = storePaths(root);
      using store = await openStore(root, "exclusive");
      // What a killed run left: with files in it, a tree of its own on btrfs.
      const killed = join(trees, `.mbctl-new.${chain.slice(7)}.1.1`);
      mkdirSync(trees, { recursive: true, mode: 0o700 });
      makeTree(killed);
      writeFileSync(join(killed, "half"), "");

      const tree = await stageTree(store, chain, tools);
      expect(readdirSync(trees)).toHaveLength(1);
      mkdirSync(join(tree.path, "usr"));
      writeFileSync(join(tree.path, "usr/file"), "content");
      const { path } = await tree.commit(facts);
      expect(cloneKind(trees)).toBe(cloning);
      if (cloning === "snapshot") expect(() => writeFileSync(join(path, "x"), "")).toThrow("EROFS");

      const clone = join(machineTrees, "web");
      await cloneTree(path, clone, { spawn: makeSpawn() });
      writeFileSync(join(clone, "usr/file"), "another");
      expect(readFileSync(join(path, "usr/file"), "utf8")).toBe("content");
      expect(findTree(store, chain)).toMatchObject(facts);

      const plan = planPrune(readContents(store, []), { nowMs: Date.now() });
      expect(plan.removals.map((removal) => removal.kind)).toEqual(["tree"]);
      expect(await applyPrune(store, plan, { tools })).toBe(8192);
      expect([readdirSync(trees), leftovers(root)]).toEqual([[], []]);
      expect(readFileSync(join(clone, "usr/file"), "utf8")).toBe("another");
      removeTree(clone);
    },
    30_000,
  );
});
