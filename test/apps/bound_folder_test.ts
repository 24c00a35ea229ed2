/** Folders that somebody else writes to at the same time: a machine's root, as another user namespace has it. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BoundFolder } from "../../lib/apps/bound_folder.ts";
import { run } from "../lab/run.ts";

/** A user namespace as a machine has it: the users 0 to 65535 are its own. */
async function userNamespace(): Promise<Disposable & { readonly pid: number }> {
  const child = Bun.spawn(["unshare", "--user", "sh", "-c", "echo; exec sleep 60"], {
    stdout: "pipe",
  });
  await child.stdout.getReader().read();
  for (const map of ["uid_map", "gid_map"])
    writeFileSync(`/proc/${child.pid}/${map}`, "0 0 65536\n");
  return { pid: child.pid, [Symbol.dispose]: () => child.kill() };
}

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)("BoundFolder", () => {
  let top: string;
  let tree: string;
  let outside: string;

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), "mbctl-bound-"));
    tree = join(top, "tree");
    outside = join(top, "outside");
    for (const folder of [tree, outside]) mkdirSync(folder);
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  test("makes what is missing, and finds it again", () => {
    using root = BoundFolder.open(tree, "");
    using made = root.make("oci/apps/web");
    writeFileSync(join(made.path, "here"), "");
    using found = root.find("oci/apps/web");
    expect(found?.has("here")).toBe(true);
    expect(statSync(join(tree, "oci/apps")).mode & 0o7777).toBe(0o755);
    expect(root.find("oci/none")).toBeUndefined();
  });

  test.each(["oci", "oci/apps", "oci/apps/web"])("follows no link at %s", (path) => {
    mkdirSync(join(tree, path, ".."), { recursive: true });
    symlinkSync(outside, join(tree, path));
    using root = BoundFolder.open(tree, "");
    const message = `Cannot change ${JSON.stringify(`/${path}`)} of the machine: a link is there`;
    expect(() => root.make("oci/apps/web")).toThrow(message);
    expect(() => root.find(path)).toThrow(message);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("holds on to a folder that is swapped for a link", () => {
    using root = BoundFolder.open(tree, "");
    using apps = root.make("oci/apps");
    using staged = apps.stage("new");
    renameSync(join(tree, "oci"), join(tree, "elsewhere"));
    symlinkSync(outside, join(tree, "oci"));
    writeFileSync(join(staged.path, "unit"), "text");
    staged.move("unit", apps, "unit");
    apps.remove("new");
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(join(tree, "elsewhere/apps"))).toEqual(["unit"]);
  });

  test("takes away no more than the link itself", () => {
    writeFileSync(join(outside, "kept"), "");
    symlinkSync(outside, join(tree, "link"));
    using root = BoundFolder.open(tree, "");
    root.remove("link");
    expect(existsSync(join(outside, "kept"))).toBe(true);
    expect(root.has("link")).toBe(false);
  });

  test("what is staged is out of a machine's reach, until it is given to it", async () => {
    using root = BoundFolder.open(tree, "");
    using apps = root.make("oci/apps");
    using staged = apps.stage("new");
    mkdirSync(join(staged.path, "root"));
    using machine = await userNamespace();
    const asMachine = async (script: string) =>
      await run(
        [
          ...["nsenter", `--target=${machine.pid}`, "--user", "--setuid=0", "--setgid=0", "--"],
          ...["sh", "-c", `cd "$1" && ${script}`, "sh", join(tree, "oci/apps")],
        ],
        { allowFailure: true },
      );
    expect(await asMachine("touch own && chown 1000 own && rm own")).toMatchObject({ exitCode: 0 });
    for (const attempt of [
      "ls new",
      "ln -s /etc new/link",
      "chmod 777 new",
      "chown 0:0 new",
      "mkdir other && mv new other/",
    ]) {
      expect({ attempt, exitCode: (await asMachine(attempt)).exitCode === 0 }).toEqual({
        attempt,
        exitCode: false,
      });
    }
    expect(readdirSync(staged.path)).toEqual(["root"]);
    // It may call it otherwise, and put another one in its place: that is not ours.
    expect((await asMachine("mv new away && mkdir new && touch new/evil")).exitCode).toBe(0);
    expect(apps.findStaged("new")).toBeUndefined();
    staged.release();
    expect((await asMachine("touch away/root/mine")).exitCode).toBe(0);
  });
});
