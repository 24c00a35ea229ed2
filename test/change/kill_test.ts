/**
 * Kills mbctl at every step of a change: a snapshot, a rollback, a reset, a removal of snapshots, an apply. The next
 * run that touches the machine must leave it as it was or as it was to be, and nothing else. How the steps are found:
 * test/machine/_sweep.ts.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { canPull, type OuterHost } from "../machine/_outer_host.ts";
import { litter } from "../machine/_snapshot.ts";
import { sweep } from "../machine/_sweep.ts";
import { makeEditedHost, stateOf, writeDeclaration } from "./_state.ts";

describe.skipIf(!canPull)("killed", () => {
  let host: OuterHost;
  const succeed = async (words: readonly string[]) => {
    const outcome = await host.run(words);
    if (outcome.exitCode !== 0) throw new Error(`${words.join(" ")}: ${JSON.stringify(outcome)}`);
  };

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
      const verb = ["machines", ...words()];
      host.bringBack("edited");
      const before = stateOf(host);
      await succeed(verb);
      const after = stateOf(host);
      expect(after).not.toEqual(before);
      const seen = new Set<string>();
      const ends = { old: 0, new: 0 };
      const points = await sweep(
        host,
        () => host.bringBack("edited"),
        verb,
        async (point, { signal }) => {
          expect(signal).toBe("SIGKILL");
          const killed = host.snapshot().join("\n");
          // Some calls change nothing: what is known of a state need not be shown twice.
          if (seen.has(killed)) return;
          seen.add(killed);
          // It ends what was begun, and then finds no such snapshot.
          const { exitCode } = await host.run(["machines", "forget", "web", "none", "--yes"]);
          expect({ point, exitCode }).toEqual({ point, exitCode: 2 });
          const state = stateOf(host);
          expect({ point, litter: litter(state) }).toEqual({ point, litter: [] });
          const isNew = state.join("\n") === after.join("\n");
          if (!isNew) expect({ point, state }).toEqual({ point, state: before });
          ends[isNew ? "new" : "old"]++;
        },
        { stride },
      );
      expect(points).toBeGreaterThan(10);
      expect(ends.old).toBeGreaterThan(0);
      expect(ends.new).toBeGreaterThan(0);
    },
    180_000,
  );
});
