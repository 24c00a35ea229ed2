/**
 * Changes on a disk that is full, or gets full at one of their steps: the machine stays the old one, and when there is room
 * again the next run leaves the old one or the new one.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../lab/run.ts";
import { canPull, type OuterHost } from "../machine/_outer_host.ts";
import { litter } from "../machine/_snapshot.ts";
import { canMount, mountFileSystem, type Mounted } from "../trees/_loop.ts";
import { makeEditedHost, stateBelow, writeDeclaration } from "./_state.ts";

describe.skipIf(!canPull || !canMount)("on a full disk", () => {
  let host: OuterHost;
  let disk: Mounted;
  let root = "";

  beforeAll(async () => {
    host = await makeEditedHost();
    host.keep("edited");
    writeDeclaration(host, join(host.dir, "web.toml"));
    disk = await mountFileSystem("tmpfs", 24);
    root = join(disk.path, "state/root");
  }, 60_000);
  afterAll(async () => {
    await disk?.[Symbol.asyncDispose]();
    host?.[Symbol.dispose]();
  });

  const state = () => stateBelow(join(disk.path, "state"));
  const freeBytes = () => {
    const { bfree, bsize } = statfsSync(disk.path);
    return bfree * bsize;
  };
  const ballast = () => join(disk.path, "ballast");
  /** Puts the machine on the disk, with no more room than this. */
  async function start(roomBytes?: number): Promise<void> {
    rmSync(ballast(), { force: true });
    rmSync(join(disk.path, "state"), { recursive: true, force: true });
    await run(["cp", "-a", join(host.dir, "edited"), join(disk.path, "state")]);
    await run(["sync", "-f", disk.path]);
    if (roomBytes === undefined) return;
    const size = Math.max(0, freeBytes() - roomBytes);
    await run(["fallocate", "-l", `${size}`, ballast()]);
  }
  const mbctl = async (words: readonly string[]) => {
    const argv = host.argv(["machines", ...words]);
    const inside = argv.map((word) => (word.startsWith("--root=") ? `--root=${root}` : word));
    const { exitCode, stderr } = await run(inside, { allowFailure: true });
    return { exitCode, stderr };
  };

  const changes: readonly (readonly [verb: string, words: () => readonly string[]])[] = [
    ["snapshot", () => ["snapshot", "web", "second", "--with-data"]],
    ["rollback", () => ["rollback", "web", "first", "--with-data"]],
    ["reset", () => ["reset", "web"]],
    ["apply", () => ["apply", join(host.dir, "web.toml"), "--yes"]],
  ];
  test.each(changes)(
    "%s leaves the old machine, and can be done when there is room",
    async (_, words) => {
      await start();
      const before = state();
      const free = freeBytes();
      expect(await mbctl(words())).toMatchObject({ exitCode: 0 });
      const after = state();
      const needed = free - freeBytes();
      const kib = (values: readonly number[]) => values.map((value) => value * 1024);
      const rooms = [
        ...kib([0, 4, 8, 12, 16, 24, 32, 48]),
        ...[0.3, 0.6, 0.9].map((share) => Math.round(needed * share)),
        ...kib([-64, -32, -16, -8, -4, 0, 8, 32, 64]).map((more) => needed + more),
      ].filter((room) => room >= 0);
      const seen = { failed: 0, done: 0 };
      for (const room of rooms) {
        await start(room);
        const outcome = await mbctl(words());
        if (outcome.exitCode === 0) {
          expect({ room, state: state() }).toEqual({ room, state: after });
          seen.done++;
          continue;
        }
        seen.failed++;
        expect({ room, ...outcome }).toMatchObject({ exitCode: expect.any(Number) });
        expect(outcome.exitCode).not.toBe(70);
        expect(outcome.stderr).toMatch(/no space left|No space left|ENOSPC|make room/);
        rmSync(ballast());
        // It ends what was begun; there is no such snapshot.
        expect(await mbctl(["forget", "web", "none", "--yes"])).toMatchObject({ exitCode: 2 });
        const left = state();
        expect({ room, litter: litter(left) }).toEqual({ room, litter: [] });
        if (left.join("\n") !== after.join("\n"))
          expect({ room, left }).toEqual({ room, left: before });
      }
      expect(seen.failed).toBeGreaterThan(3);
      expect(seen.done).toBeGreaterThan(0);
    },
    120_000,
  );
});
