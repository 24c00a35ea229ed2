import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limitTree, requireQuotas } from "../../lib/trees/disk_quota.ts";
import { removeTree } from "../../lib/trees/remove_tree.ts";
import { cloneTree, makeTree } from "../../lib/trees/tree.ts";
import { openHost } from "../../lib/host/host.ts";
import { canMount, type Mounted, mountFileSystem } from "./_loop.ts";

const timeoutMs = 60_000;
const mebibyte = 1024 ** 2;
const { spawn } = openHost({ root: "/", log: { command: () => undefined } });

/** Fills a tree a MiB at a time; whether that many fit. */
function fill(tree: string, count: number): boolean {
  try {
    for (let index = 0; index < count; index++) {
      // What cannot be compressed away, on the disk before the next.
      const bytes = crypto.getRandomValues(new Uint8Array(65536));
      const text = Buffer.concat(Array.from({ length: 16 }, () => bytes));
      writeFileSync(join(tree, `file-${index}`), text, { flush: true });
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EDQUOT") return false;
    throw error;
  }
}

describe.skipIf(!canMount)("limitTree() on btrfs", () => {
  let mounted: Mounted;
  beforeAll(async () => {
    mounted = await mountFileSystem("btrfs", 512);
  }, timeoutMs);
  afterAll(async () => await mounted[Symbol.asyncDispose](), timeoutMs);

  test(
    "wants quotas to be on, and then holds a tree and its clones each to a limit of its own",
    async () => {
      const tree = join(mounted.path, "tree");
      makeTree(tree);
      const off = `Cannot limit the disk space of ${mounted.path}: quotas are not turned on for its file system`;
      expect(() => requireQuotas(mounted.path)).toThrow(off);
      expect(() => limitTree(tree, mebibyte)).toThrow("quotas are not turned on");
      // Nothing to take away is no error.
      limitTree(tree, undefined);

      expect(Bun.spawnSync(["btrfs", "quota", "enable", mounted.path]).exitCode).toBe(0);
      requireQuotas(mounted.path);
      limitTree(tree, 8 * mebibyte);
      limitTree(tree, 8 * mebibyte);
      expect(fill(tree, 4)).toBe(true);
      expect(fill(tree, 12)).toBe(false);
      const clone = join(mounted.path, "clone");
      removeTree(join(tree, "file-0"));
      await cloneTree(tree, clone, { spawn });
      limitTree(clone, 20 * mebibyte);
      expect(fill(clone, 12)).toBe(true);
      limitTree(tree, undefined);
      expect(fill(tree, 24)).toBe(true);
    },
    timeoutMs,
  );

  test("refuses a folder that is no subvolume: the limit would be its parent's", () => {
    const folder = join(mounted.path, "folder");
    mkdirSync(folder);
    expect(() => limitTree(folder, mebibyte)).toThrow("it is no subvolume");
    limitTree(folder, undefined);
  });
});

test.skipIf(!canMount)(
  "requireQuotas() names a file system that has none",
  async () => {
    await using mounted = await mountFileSystem("ext4", 64);
    expect(() => requireQuotas(mounted.path)).toThrow(
      `Cannot limit the disk space of ${mounted.path}: it lies on ext4, and only btrfs has quotas for folders`,
    );
  },
  timeoutMs,
);
