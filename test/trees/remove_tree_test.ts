import { afterAll, beforeAll, describe, expect, test, setDefaultTimeout } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSubvolume, makeSnapshot, makeSubvolume } from "../../lib/trees/btrfs.ts";
import { listDirectory } from "../../lib/host/files.ts";
import { makeNode } from "../host/_odd_files.ts";
import { removeTree } from "../../lib/trees/remove_tree.ts";
import { sealTree } from "../../lib/trees/tree.ts";
import { run } from "../lab/run.ts";
import { canMount, type FileSystem, type Mounted, mountFileSystem } from "./_loop.ts";
import { makeDeepTree } from "./_rich_tree.ts";

const removal = [process.execPath, join(import.meta.dir, "_remove_to_the_end.ts")];
const fileSystems: readonly FileSystem[] = ["btrfs", "ext4", "xfs"];

// File systems on a busy machine.
setDefaultTimeout(60_000);

describe.skipIf(!canMount).each(fileSystems)("removeTree() on %s", (fileSystem) => {
  let mounted: Mounted;
  let tree: string;

  beforeAll(async () => {
    mounted = await mountFileSystem(fileSystem);
    tree = join(mounted.path, "tree");
  });
  afterAll(() => mounted[Symbol.asyncDispose]());

  /** Removes the tree, and wants its file system to be as it was before. */
  function expectRemoved(): void {
    removeTree(tree);
    expect(existsSync(tree)).toBe(false);
  }

  test("removes what stands in its way by a flag of chattr(1), files and directories", async () => {
    for (const folder of ["i", "a", "both"])
      mkdirSync(join(tree, folder, "below"), { recursive: true });
    for (const path of ["file", "i/file", "a/file", "a/below/file", "both/file"]) {
      writeFileSync(join(tree, path), "");
    }
    makeNode(join(tree, "i", "fifo"), 0o010644);
    symlinkSync("/", join(tree, "i", "link"));
    await run([
      "chattr",
      "+i",
      join(tree, "file"),
      join(tree, "i"),
      join(tree, "both/below"),
      join(tree, "both/file"),
    ]);
    await run([
      "chattr",
      "+a",
      join(tree, "a/below/file"),
      join(tree, "a/below"),
      join(tree, "a"),
      join(tree, "both"),
    ]);
    await run(["chattr", "+i", tree]);
    expectRemoved();
  });

  test("follows no link, and leaves what one leads to as it is", async () => {
    const outside = join(mounted.path, "outside");
    mkdirSync(join(outside, "kept"), { recursive: true });
    writeFileSync(join(outside, "file"), "");
    await run(["chattr", "+i", join(outside, "file")]);
    mkdirSync(join(tree, "folder"), { recursive: true });
    symlinkSync(outside, join(tree, "link"));
    symlinkSync("../../outside/kept", join(tree, "folder", "link"));
    symlinkSync(join(outside, "file"), join(tree, "file"));
    expectRemoved();
    expect(readdirSync(outside).sort()).toEqual(["file", "kept"]);
    expect((await run(["lsattr", join(outside, "file")])).stdout).toMatch(/^\S*i/);
    symlinkSync(outside, tree);
    expectRemoved();
    expect(readdirSync(outside).sort()).toEqual(["file", "kept"]);
    removeTree(outside);
  });

  test("removes directories in each other deeper than it may open files, and than a path can be", async () => {
    // Names that a removal uses itself, taken by something else.
    mkdirSync(join(tree, ".mbctl-deep.0", "x"), { recursive: true });
    writeFileSync(join(tree, ".mbctl-deep.1"), "");
    makeDeepTree(tree, 600, "d".repeat(200));
    await run(["prlimit", "--nofile=200:200", ...removal, tree]);
    expect(existsSync(tree)).toBe(false);
  });

  test("completes a removal that was killed", async () => {
    let unfinished = 0;
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 3000; i++) {
        const folder = join(tree, `folder ${i % 60}`);
        if (i < 60) mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${i}`), "");
      }
      makeDeepTree(tree, 150, "d");
      const child = Bun.spawn([...removal, tree]);
      // Not before it has begun, and later from round to round.
      while (listDirectory(tree).length === 62) await Bun.sleep(1);
      await Bun.sleep(round);
      child.kill("SIGKILL");
      await child.exited;
      if (existsSync(tree)) unfinished++;
      expectRemoved();
    }
    expect(unfinished).toBeGreaterThan(0);
  });

  test("removes one directory of 20,000 entries", () => {
    mkdirSync(tree);
    for (let i = 0; i < 20_000; i++)
      symlinkSync("x", join(tree, `a rather long name of a link ${i}`));
    expectRemoved();
  });
});

describe.skipIf(!canMount)("removeTree() of subvolumes", () => {
  let mounted: Mounted;
  const at = (...names: string[]) => join(mounted.path, ...names);
  const subvolumes = async () =>
    (await run(["btrfs", "subvolume", "list", mounted.path])).stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/^.* path /, ""))
      .sort();

  beforeAll(async () => {
    mounted = await mountFileSystem("btrfs");
    makeSubvolume(at("other"));
  });
  afterAll(() => mounted[Symbol.asyncDispose]());

  test("takes those in it along, read-only ones too, and no other", async () => {
    makeSubvolume(at("machine"));
    mkdirSync(at("machine", "var", "lib"), { recursive: true });
    makeSubvolume(at("machine", "var", "lib", "machines"));
    makeSubvolume(at("machine", "var", "lib", "machines", "inner"));
    makeSubvolume(at("machine", "var", "tmp"));
    for (let i = 0; i < 150; i++)
      makeSubvolume(at("machine", "var", "tmp", `with a name that is long ${i}`));
    writeFileSync(at("machine", "var", "lib", "machines", "inner", "file"), "");
    makeSnapshot(at("machine", "var", "lib", "machines", "inner"), at("machine", "snapshot"));
    sealTree(at("machine", "snapshot"));
    sealTree(at("machine", "var", "lib", "machines"));
    sealTree(at("machine"));
    makeSnapshot(at("machine"), at("clone"));
    expect(await subvolumes()).toHaveLength(2 * 155 + 1);
    removeTree(at("machine"));
    expect((await subvolumes()).filter((path) => !path.startsWith("clone/"))).toEqual([
      "clone",
      "other",
    ]);
    removeTree(at("clone"));
    expect(await subvolumes()).toEqual(["other"]);
    expect(readdirSync(mounted.path)).toEqual(["other"]);
  });

  test("takes those along that lie in a plain directory", async () => {
    mkdirSync(at("plain", "deep"), { recursive: true });
    makeSubvolume(at("plain", "deep", "a"));
    makeSubvolume(at("plain", "deep", "a", "b"));
    sealTree(at("plain", "deep", "a"));
    removeTree(at("plain"));
    expect(await subvolumes()).toEqual(["other"]);
  });

  test("removes one that is immutable, with what is in it", async () => {
    makeSubvolume(at("immutable"));
    writeFileSync(at("immutable", "file"), "");
    makeSubvolume(at("immutable", "inner"));
    sealTree(at("immutable", "inner"));
    await run(["chattr", "+i", at("immutable")]);
    removeTree(at("immutable"));
    expect(await subvolumes()).toEqual(["other"]);
  });

  test("a snapshot holds snapshots of the subvolumes that lie in its source, read-only where they are", () => {
    makeSubvolume(at("source"));
    makeSubvolume(at("source", "inner"));
    writeFileSync(at("source", "inner", "file"), "");
    sealTree(at("source", "inner"));
    sealTree(at("source"));
    makeSnapshot(at("source"), at("snapshot"));
    expect(readdirSync(at("snapshot", "inner"))).toEqual(["file"]);
    expect(isSubvolume(at("snapshot"))).toBe(true);
    writeFileSync(at("snapshot", "new"), "");
    expect(() => writeFileSync(at("snapshot", "inner", "new"), "")).toThrow("EROFS");
    removeTree(at("snapshot"));
    removeTree(at("source"));
  });
});

describe("removeTree()", () => {
  test("removes a file, a link, a tree, follows no link, and is content with nothing", () => {
    const folder = mkdtempSync(join(tmpdir(), "mbctl-remove-"));
    try {
      writeFileSync(join(folder, "file"), "");
      symlinkSync("file", join(folder, "link"));
      mkdirSync(join(folder, "tree", "of", "folders"), { recursive: true });
      mkdirSync(join(folder, "kept", "by all"), { recursive: true });
      symlinkSync(join(folder, "kept"), join(folder, "tree", "link"));
      for (const name of ["link", "file", "tree", "nothing"]) removeTree(join(folder, name));
      expect(readdirSync(folder)).toEqual(["kept"]);
      expect(readdirSync(join(folder, "kept"))).toEqual(["by all"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("refuses a tree in which something is mounted, and removes nothing of it", () => {
    expect(() => removeTree("/proc")).toThrow(/^Cannot remove "\/proc": \/proc is mounted in it$/);
  });
});
