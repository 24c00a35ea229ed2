import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installInit } from "../../lib/trees/install_init.ts";
import { makeRun } from "../../lib/host/run.ts";
import {
  BUSYBOX_MODE,
  BUSYBOX_PATH,
  INIT_FILES,
  KEPT_FOLDERS,
  MOUNT_POINTS,
} from "../../lib/init/init_files.ts";
import { isRoot, packTree, writeTree } from "./_tree.ts";

describe.skipIf(!isRoot)("as root", () => {
  const run = makeRun();
  let base = "";
  let tree = "";
  let busybox = "";
  let outside = "";
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), "mbctl-init-"));
    busybox = join(base, "busybox");
    writeFileSync(busybox, "a busybox", { mode: 0o600 });
  });
  beforeEach(() => {
    tree = join(base, "tree");
    outside = join(base, "outside");
    for (const dir of [tree, outside]) {
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir);
    }
    writeFileSync(join(outside, "secret"), "secret");
  });
  afterAll(() => rmSync(base, { recursive: true }));

  test("installInit() makes the folder, the env file's place and the mount points, whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      await installInit(run, tree, busybox);
    } finally {
      process.umask(before);
    }
    const mode = (path: string) => statSync(join(tree, path)).mode & 0o7777;
    expect(readdirSync(join(tree, "man8s-init")).sort()).toEqual(
      [...INIT_FILES.map(({ name }) => name), "busybox"].sort(),
    );
    for (const { name, mode: wanted, text } of INIT_FILES) {
      expect([
        mode(`man8s-init/${name}`),
        readFileSync(join(tree, "man8s-init", name), "utf8"),
      ]).toEqual([wanted, text]);
    }
    expect([mode("man8s-init"), mode(BUSYBOX_PATH), mode("man8env.env")]).toEqual([
      0o755,
      BUSYBOX_MODE,
      0o600,
    ]);
    for (const { path, mode: wanted } of MOUNT_POINTS)
      expect([path, mode(path)]).toEqual([path, wanted]);
    expect(readdirSync(tree).filter((name) => name.includes("mbctl"))).toEqual([]);
  });

  test("installInit() replaces an earlier one, and gets over what a killed run left", async () => {
    await installInit(run, tree, busybox);
    const first = packTree(join(tree, "man8s-init"));
    writeFileSync(join(tree, "man8s-init/stray"), "");
    mkdirSync(join(tree, ".mbctl-new.man8s-init/half"), { recursive: true });
    mkdirSync(join(tree, ".mbctl-old.man8s-init/older"), { recursive: true });
    writeFileSync(join(tree, "man8env.env"), "KEPT=1\n");
    await installInit(run, tree, busybox);
    expect(existsSync(join(tree, "man8s-init/stray"))).toBe(false);
    expect(readdirSync(join(tree, "man8s-init")).length).toBe(INIT_FILES.length + 1);
    expect(readFileSync(join(tree, "man8env.env"), "utf8")).toBe("KEPT=1\n");
    expect(readdirSync(tree).filter((name) => name.includes("mbctl"))).toEqual([]);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
  });

  test("installInit() keeps what the image has in its folders that nspawn hides", async () => {
    for (const { from, to, except } of KEPT_FOLDERS) {
      const folder = from.slice(1);
      writeTree(tree, [
        { path: `${folder}/`, type: "dir" },
        { path: `${folder}/mine/`, type: "dir", uid: 7, gid: 8, mode: 0o750 },
        { path: `${folder}/mine/link`, type: "symlink", linkTarget: "/etc/shadow" },
        { path: `${folder}/-a name`, content: "x", uid: 9 },
        ...except.map((name) => ({ path: `${folder}/${name}`, content: "not kept" })),
      ]);
      await installInit(run, tree, busybox);
      expect(readdirSync(join(tree, to)).sort()).toEqual(["-a name", "mine"]);
      expect(packTree(join(tree, to, "mine"))).toBe(packTree(join(tree, folder, "mine")));
    }
  });

  test.each(["man8s-init", "man8env.env"])(
    "installInit() refuses a link at /%s, and touches nothing",
    async (name) => {
      symlinkSync(name === "man8s-init" ? outside : join(outside, "secret"), join(tree, name));
      const before = packTree(base);
      await expect(installInit(run, tree, busybox)).rejects.toThrow(
        `/${name} is a symbolic link there`,
      );
      expect(packTree(base)).toBe(before);
    },
  );

  test("installInit() follows no link of the image's to the host", async () => {
    for (const name of [".mbctl-new.man8s-init", ".mbctl-old.man8s-init", "run", "usr", "proc"])
      symlinkSync(outside, join(tree, name));
    mkdirSync(join(tree, "man8s-init"));
    symlinkSync(join(outside, "secret"), join(tree, "man8s-init/busybox"));
    await installInit(run, tree, busybox);
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
    expect(lstatSync(join(tree, "man8s-init/busybox")).isFile()).toBe(true);
  });
});
