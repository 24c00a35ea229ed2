/** Kills mbctl at every step of a change: a snapshot, a rollback, a reset, a removal of snapshots, an apply. */

import { afterAll, beforeAll, describe, test } from "bun:test";
import { join } from "node:path";
import { canPull, type OuterHost } from "../machine/_outer_host.ts";
import { expectOldOrNew } from "./_killed.ts";
import { makeEditedHost, writeDeclaration } from "./_state.ts";

describe.skipIf(!canPull)("killed", () => {
  let host: OuterHost;

  beforeAll(async () => {
    host = await makeEditedHost();
    writeDeclaration(host, join(host.dir, "web.toml"));
    host.keep("edited");
  }, 60_000);
  afterAll(() => host?.[Symbol.dispose]());

  const changes: readonly (readonly [
    verb: string,
    words: () => readonly string[],
    stride: number,
  ])[] = [
    ["snapshot", () => ["snapshot", "web", "second", "--with-data"], 2],
    ["rollback", () => ["rollback", "web", "first", "--with-data"], 2],
    ["rollback, nothing kept", () => ["rollback", "web", "first", "--discard", "--yes"], 5],
    ["reset", () => ["reset", "web"], 4],
    ["forget", () => ["forget", "web", "first", "--yes"], 2],
    ["apply", () => ["apply", join(host.dir, "web.toml"), "--yes"], 2],
  ];

  test.each(changes)(
    "%s leaves the old machine or the new one",
    async (_, words, stride) => {
      await expectOldOrNew(host, "edited", ["machines", ...words()], stride);
    },
    180_000,
  );
});
