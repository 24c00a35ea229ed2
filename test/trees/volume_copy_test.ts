import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
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
import { makeRun } from "../../lib/host/run.ts";
import {
  clearHostVolume,
  copyVolume,
  placeHostVolume,
  requireVolumeFolder,
  stageHostVolume,
} from "../../lib/trees/volume_copy.ts";
import { attributesIn, isRoot, packTree, writeTree } from "./_tree.ts";

/** cap_net_bind_service=ep, as linux/capability.h lays it out (version 2). */
const capability = Uint8Array.from([1, 0, 0, 2, 0, 4, ...new Array<number>(14).fill(0)]);

describe.skipIf(!isRoot)("as root", () => {
  const run = makeRun();
  let base = "";
  let tree = "";
  let own = "";
  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), "mbctl-volume-"));
    tree = join(base, "tree");
    writeTree(tree, [
      { path: "data/", type: "dir", mode: 0o2770, uid: 70, gid: 71 },
      { path: "data/plain", content: "x", mode: 0o640, uid: 1000, gid: 1001 },
      { path: "data/hard", type: "hardlink", linkTarget: "data/plain" },
      { path: "data/setuid", content: "s", mode: 0o4755 },
      { path: "data/noted", content: "n", xattrs: { "user.note": "a note" } },
      {
        path: "data/capable",
        content: "c",
        mode: 0o755,
        xattrs: { "security.capability": capability },
      },
      { path: "data/link", type: "symlink", linkTarget: "/etc/shadow" },
      { path: "data/dangling", type: "symlink", linkTarget: "nowhere" },
      { path: "data/pipe", type: "fifo", mode: 0o600 },
      { path: "data/sub/", type: "dir", mode: 0o1777, mtime: 1_000_000_000 },
      { path: "data/sub/-rf", content: "" },
      { path: "data/sub/.hidden \n", content: "" },
      { path: "through", type: "symlink", linkTarget: "/data/sub" },
      { path: "file", content: "" },
      { path: "empty/", type: "dir", mode: 0o700 },
    ]);
  });
  beforeEach(() => {
    own = join(base, "own");
    rmSync(own, { recursive: true, force: true });
    mkdirSync(own);
  });
  afterAll(() => rmSync(base, { recursive: true }));

  test("copyVolume() keeps owners, modes, times, attributes and links", async () => {
    await copyVolume(run, tree, "/data", join(own, "new/data"));
    expect(packTree(join(own, "new/data"))).toBe(packTree(join(tree, "data")));
    expect(attributesIn(join(own, "new/data"))).toEqual(["security.capability", "user.note"]);
    // What the archives would show, once by hand.
    const copied = (name: string) => lstatSync(join(own, "new/data", name));
    expect(copied("plain").ino).toBe(copied("hard").ino);
    expect([copied("").uid, copied("").gid, copied("").mode & 0o7777]).toEqual([70, 71, 0o2770]);
    expect(copied("link").isSymbolicLink()).toBe(true);
    expect(statSync(join(own, "new")).mode & 0o7777).toBe(0o755);
  });

  test("copyVolume() follows a link inside the tree only", async () => {
    await copyVolume(run, tree, "/through", join(own, "through"));
    expect(packTree(join(own, "through"))).toBe(packTree(join(tree, "data/sub")));
    symlinkSync(own, join(tree, "out"));
    writeFileSync(join(own, "secret"), "");
    await copyVolume(run, tree, "/out", join(own, "out"));
    expect(readdirSync(join(own, "out"))).toEqual([]);
  });

  test("copyVolume() makes an empty folder for what the image lacks, whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      await copyVolume(run, tree, "/lacks/it", join(own, "a/b"));
    } finally {
      process.umask(before);
    }
    expect(["a", "a/b"].map((path) => statSync(join(own, path)).mode & 0o7777)).toEqual([
      0o755, 0o755,
    ]);
  });

  test("copyVolume() refuses a file", async () => {
    await expect(copyVolume(run, tree, "/file", join(own, "file"))).rejects.toThrow(
      'Cannot use "/file" as a volume: it is no directory in the image',
    );
    expect(readdirSync(own)).toEqual([]);
  });

  test("a host volume that is missing appears in one step", async () => {
    const into = join(own, "missing");
    await stageHostVolume(run, { tree, path: "/data", into }, "web");
    expect(readdirSync(own)).toEqual([".mbctl-new.web.missing"]);
    placeHostVolume(into, "web");
    expect(readdirSync(own)).toEqual(["missing"]);
    expect(packTree(into)).toBe(packTree(join(tree, "data")));
    placeHostVolume(into, "web");
    expect(packTree(into)).toBe(packTree(join(tree, "data")));
  });

  test("a host volume that is empty gets content, owner and mode", async () => {
    const into = join(own, "empty");
    mkdirSync(into, { mode: 0o700 });
    await stageHostVolume(run, { tree, path: "/data", into }, "web");
    expect(readdirSync(into)).toEqual([".mbctl-new.web"]);
    expect(statSync(into).uid).toBe(0);
    placeHostVolume(into, "web");
    expect(readdirSync(into).sort()).toEqual(readdirSync(join(tree, "data")).sort());
    const { uid, gid, mode } = statSync(into);
    expect([uid, gid, mode & 0o7777]).toEqual([70, 71, 0o2770]);
  });

  test("a host volume that holds something is left exactly as it is", async () => {
    const into = join(own, "full");
    mkdirSync(into);
    writeFileSync(join(into, ".one"), "mine");
    chownSync(into, 5, 6);
    chmodSync(into, 0o711);
    const before = packTree(own);
    await stageHostVolume(run, { tree, path: "/data", into }, "web");
    placeHostVolume(into, "web");
    clearHostVolume(into, "web");
    expect(packTree(own)).toBe(before);
    // Data that is removed where it was must be somewhere.
    const moved = stageHostVolume(run, { tree, path: "/data", into, isMoved: true }, "web");
    await expect(moved).rejects.toThrow(`Cannot move data to "${into}": it holds ".one"`);
    expect(packTree(own)).toBe(before);
  });

  test.each(["missing", "empty"])(
    "clearHostVolume() leaves a host volume that is %s as it was",
    async (kind) => {
      const into = join(own, kind);
      if (kind === "empty") mkdirSync(into);
      const before = readdirSync(own);
      await stageHostVolume(run, { tree, path: "/data", into }, "web");
      clearHostVolume(into, "web");
      expect(readdirSync(own)).toEqual(before);
      if (kind === "empty") expect(readdirSync(into)).toEqual([]);
    },
  );

  test("a placing that was stopped half-way is ended, by the next placing and by clearing", async () => {
    for (const end of [placeHostVolume, clearHostVolume]) {
      const into = join(own, `half-${end.name}`);
      mkdirSync(join(into, ".mbctl-new.web.ready"), { recursive: true });
      writeFileSync(join(into, "moved"), "1");
      writeFileSync(join(into, ".mbctl-new.web.ready/left"), "2");
      chownSync(join(into, ".mbctl-new.web.ready"), 9, 9);
      end(into, "web");
      expect(readdirSync(into).sort()).toEqual(["left", "moved"]);
      expect([readFileSync(join(into, "left"), "utf8"), statSync(into).uid]).toEqual(["2", 9]);
    }
  });

  test("two machines do not clear what the other one staged", async () => {
    const into = join(own, "shared");
    await stageHostVolume(run, { tree, path: "/data", into }, "one");
    clearHostVolume(into, "two");
    placeHostVolume(into, "one");
    expect(existsSync(join(into, "plain"))).toBe(true);
  });

  test("requireVolumeFolder() takes a directory or nothing", () => {
    writeFileSync(join(own, "file"), "");
    symlinkSync(own, join(own, "link"));
    requireVolumeFolder(own);
    requireVolumeFolder(join(own, "nothing"));
    for (const name of ["file", "link"]) {
      expect(() => requireVolumeFolder(join(own, name))).toThrow("it is no directory");
    }
  });
});
