import { afterAll, beforeAll, describe, expect, test, setDefaultTimeout } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isSubvolume } from "../../lib/trees/btrfs.ts";
import { copyTree } from "../../lib/trees/copy_tree.ts";
import { removeTree } from "../../lib/trees/remove_tree.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { type CloneKind, cloneKind, cloneTree, makeTree, sealTree } from "../../lib/trees/tree.ts";
import { readTree, renderTree } from "../layers/snapshot.ts";
import { run } from "../lab/run.ts";
import { canMount, type FileSystem, type Mounted, mountFileSystem } from "./_loop.ts";
import { makeRichTree, noise } from "./_rich_tree.ts";

const spawn = makeSpawn();
const kinds: readonly (readonly [FileSystem, CloneKind])[] = [
  ["btrfs", "snapshot"],
  ["xfs", "reflink"],
  ["xfs-plain", "copy"],
  ["ext4", "copy"],
  ["tmpfs", "copy"],
];

/** A tree as lines, times included. */
const lines = (tree: string) => renderTree(readTree(tree), 2n ** 62n);
/** What a tree takes on the disk, in MiB. */
const allocatedMb = async (tree: string) =>
  Number.parseInt((await run(["du", "-s", "-BM", tree])).stdout, 10);

// File systems on a busy machine.
setDefaultTimeout(60_000);

describe.skipIf(!canMount).each(kinds)("on %s", (fileSystem, kind) => {
  let mounted: Mounted;
  let tree: string;
  let folder: string;
  let wanted: string[];

  beforeAll(async () => {
    mounted = await mountFileSystem(fileSystem);
    folder = mounted.path;
    tree = join(folder, "rich");
    makeTree(tree);
    makeRichTree(join(tree, "of an image"), { hasUserXattrs: fileSystem !== "tmpfs" });
    wanted = lines(tree);
  });
  afterAll(() => mounted[Symbol.asyncDispose]());

  test(`cloneKind() says ${kind}, and leaves nothing behind`, () => {
    const before = readdirSync(folder);
    expect(cloneKind(folder)).toBe(kind);
    expect(readdirSync(folder)).toEqual(before);
  });

  test("cloneTree() makes an equal tree, and one that is as `cp -a` makes it", async () => {
    const to = join(folder, "clone");
    const warnings: string[] = [];
    await cloneTree(tree, to, { spawn, onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual([]);
    expect(lines(to)).toEqual(wanted);
    // A file system may keep room behind a file that it has just written.
    expect(await allocatedMb(to)).toBeLessThan((await allocatedMb(tree)) + 8);
    await run(["cp", "-a", tree, join(folder, "by-cp")]);
    expect(lines(join(folder, "by-cp"))).toEqual(wanted);
    removeTree(to);
    removeTree(join(folder, "by-cp"));
  });

  test.each([
    [1, false],
    [2, false],
    [3, true],
  ])(
    "copyTree() with %d processes, reflink %p, makes an equal tree",
    async (processes, reflink) => {
      const to = join(folder, `copy-${processes}`);
      makeTree(to);
      await copyTree(tree, to, { spawn, processes, reflink });
      expect(lines(to)).toEqual(wanted);
      removeTree(to);
    },
  );

  test("a clone can be written to, and the tree that it came from does not change", async () => {
    const [from, to] = [join(folder, "sealed"), join(folder, "written")];
    makeTree(from);
    writeFileSync(join(from, "file"), noise(100_000));
    sealTree(from);
    const before = lines(from);
    await cloneTree(from, to, { spawn });
    writeFileSync(join(to, "file"), "other");
    writeFileSync(join(to, "new"), "");
    expect(lines(from)).toEqual(before);
    removeTree(to);
    removeTree(from);
    expect(existsSync(from)).toBe(false);
  });

  test("a clone holds what lies in subvolumes of its tree, at any depth", async () => {
    const [from, to] = [join(folder, "outer"), join(folder, "outer-clone")];
    for (const path of [
      from,
      join(from, "in/ner"),
      join(from, "in/ner/most"),
      join(from, "beside"),
    ]) {
      mkdirSync(dirname(path), { recursive: true });
      makeTree(path);
      writeFileSync(join(path, "file"), path);
    }
    await cloneTree(from, to, { spawn });
    expect(lines(to)).toEqual(lines(from));
    if (kind === "snapshot") expect(isSubvolume(join(to, "in/ner/most"))).toBe(true);
    removeTree(to);
    removeTree(from);
  });

  test("makeTree() makes an empty directory that only root may enter", () => {
    const path = join(folder, "new");
    makeTree(path);
    expect(lstatSync(path).mode & 0o7777).toBe(0o700);
    expect(() => makeTree(path)).toThrow("it exists");
    expect(isSubvolume(path)).toBe(kind === "snapshot");
    removeTree(path);
  });

  test("cloneTree() refuses a name that is taken, and follows no link for its tree", async () => {
    writeFileSync(join(folder, "taken"), "");
    expect(cloneTree(tree, join(folder, "taken"), { spawn })).rejects.toThrow("it exists");
    symlinkSync("rich", join(folder, "link"));
    expect(cloneTree(join(folder, "link"), join(folder, "l"), { spawn })).rejects.toThrow();
    removeTree(join(folder, "taken"));
    removeTree(join(folder, "link"));
    removeTree(join(folder, "l"));
  });

  test("nothing of the folder in which a clone is made is inherited", async () => {
    const inheriting = join(folder, "inheriting");
    mkdirSync(inheriting);
    await run(["chown", "0:1234", inheriting]);
    chmodSync(inheriting, 0o2755);
    const acl =
      "0200000001000700ffffffff02000600e803000004000500ffffffff10000700ffffffff20000400ffffffff";
    await run(["setfattr", "-n", "system.posix_acl_default", "-v", `0x${acl}`, inheriting]);
    const to = join(inheriting, "clone");
    makeTree(to);
    await copyTree(tree, to, { spawn });
    expect(lines(to)).toEqual(wanted);
    removeTree(inheriting);
  });
});
