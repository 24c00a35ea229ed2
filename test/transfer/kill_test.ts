/** Kills mbctl at its steps while it renames, imports and adopts: the next run ends what was begun, or takes it back. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { canPull, OuterHost } from "../machine/_outer_host.ts";
import { litter } from "../machine/_snapshot.ts";
import { sweep } from "../machine/_sweep.ts";

/** What is not the same in two runs: the moment of an export. */
const sameEachTime = (lines: readonly string[]) =>
  lines.filter((line) => !/^own\/web.tar/.test(line));

describe.skipIf(!canPull)("killed", () => {
  let host: OuterHost;
  let archive: string;

  beforeAll(async () => {
    host = await OuterHost.create();
    archive = host.own("web.tar");
    await host.succeed(host.pullWords);
    await host.succeed(["machines", "export", "web", archive, "--with-data"]);
    host.keep("pulled");
  }, 30_000);
  afterAll(() => host?.[Symbol.dispose]());

  test("a renaming is ended by the next one, under either name", async () => {
    const words = ["machines", "rename", "web", "www"];
    host.bringBack("pulled");
    const before = host.snapshot();
    await host.succeed(words);
    const renamed = host.snapshot();
    const found = new Set<string>();
    const points = await sweep(
      host,
      () => host.bringBack("pulled"),
      words,
      async (point) => {
        const { exitCode, stderr } = await host.run(words);
        // After its last step there is nothing left to be done.
        if (exitCode !== 0) expect(stderr).toMatch(/there is no such machine/);
        expect({ point, tree: host.snapshot() }).toEqual({ point, tree: renamed });
        found.add(stderr);
        // Back by its new name: its journal is known there, too.
        await host.succeed(["machines", "rename", "www", "web"]);
        expect(litter(host.snapshot())).toEqual([]);
      },
    );
    expect(before).not.toEqual(renamed);
    expect(points).toBeGreaterThan(20);
    expect(found.size).toBeGreaterThan(2);
  }, 200_000);

  test("an import is taken back, and made by the next one", async () => {
    const words = ["machines", "import", archive, "--name", "two", "--yes"];
    host.bringBack("pulled");
    await host.succeed(words);
    const made = host.snapshot();
    const points = await sweep(
      host,
      () => host.bringBack("pulled"),
      words,
      async (point) => {
        const { exitCode, stderr } = await host.run(words);
        // One that was whole when it was killed is there already.
        if (exitCode !== 0) expect(stderr).toMatch(/the name is in use/);
        expect({ point, tree: sameEachTime(host.snapshot()) }).toEqual({
          point,
          tree: sameEachTime(made),
        });
      },
      { stride: 3 },
    );
    expect(points).toBeGreaterThan(20);
  }, 200_000);

  test("an export leaves no archive, or a whole one", async () => {
    const words = ["machines", "export", "web", archive, "--with-data", "--force"];
    const points = await sweep(
      host,
      () => {
        host.bringBack("pulled");
        unlinkSync(archive);
      },
      words,
      async (point) => {
        const isThere = existsSync(archive);
        if (isThere) {
          await host.succeed(["machines", "import", archive, "--name", "two", "--yes"]);
          await host.succeed(["machines", "remove", "two", "--yes"]);
        }
        await host.succeed(words);
        const staged = join(archive, "../.web.tar.mbctl-new");
        expect({ point, isLitter: existsSync(staged) }).toEqual({ point, isLitter: false });
        rmSync(archive);
      },
      { stride: 3 },
    );
    expect(points).toBeGreaterThan(3);
  }, 200_000);

  /** Runs mbctl with a small file system of its own over a folder. */
  const onFullDisk = async (folder: string, words: readonly string[]) => {
    mkdirSync(folder, { recursive: true });
    const mount = 'mount -t tmpfs -o size=48k none "$0" && exec "$@"';
    return await host.run(words, ["unshare", "-m", "sh", "-c", mount, folder]);
  };

  test("a full disk ends an export and an import, and leaves all as it was", async () => {
    host.bringBack("pulled");
    const folder = host.own("small");
    const exported = await onFullDisk(folder, [
      ...["machines", "export", "web", join(folder, "web.tar")],
    ]);
    expect(exported).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("no space is left"),
    });
    const before = host.snapshot();
    const imported = await onFullDisk(join(host.root, "var/lib/man8machine_configs"), [
      ...["machines", "import", archive, "--name", "two", "--yes"],
    ]);
    expect(imported.exitCode).toBe(3);
    expect(host.snapshot()).toEqual(before);
  }, 30_000);
});
