import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { cloneTree, makeTree } from "../../lib/trees/tree.ts";
import { treeSize } from "../../lib/trees/tree_size.ts";
import { run } from "../lab/run.ts";
import { canMount, type FileSystem, mountFileSystem } from "./_loop.ts";
import { noise } from "./_rich_tree.ts";

// File systems on a busy machine.
setDefaultTimeout(60_000);

const megabyte = 2 ** 20;

describe.skipIf(!canMount).each<[FileSystem, boolean]>([
  ["btrfs", true],
  ["xfs", true],
  ["ext4", false],
])("on %s", (fileSystem, isShared) => {
  test("treeSize() tells what a clone shares, and what is its own", async () => {
    await using mounted = await mountFileSystem(fileSystem);
    const [tree, clone] = [join(mounted.path, "tree"), join(mounted.path, "clone")];
    makeTree(tree);
    mkdirSync(join(tree, "folder"));
    writeFileSync(join(tree, "folder/large"), noise(8 * megabyte));
    linkSync(join(tree, "folder/large"), join(tree, "folder/same"));
    await cloneTree(tree, clone, { spawn: makeSpawn() });
    writeFileSync(join(clone, "new"), noise(2 * megabyte));
    await run(["sync", "-f", mounted.path]);
    const { bytes, ownBytes } = treeSize(clone);
    expect(Math.round(bytes / megabyte)).toBe(10);
    expect(Math.round(ownBytes / megabyte)).toBe(isShared ? 2 : 10);
  });
});
