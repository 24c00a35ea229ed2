/**
 * Cuts the power in the middle of a change: mbctl is killed at one of its steps, and what was not synced is lost
 * (_power.ts). The next run that touches the machine must leave it as it was or as it was to be, with all of its content.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { canPull } from "../machine/_outer_host.ts";
import { litter } from "../machine/_snapshot.ts";
import { sweep } from "../machine/_sweep.ts";
import { canMount } from "../trees/_loop.ts";
import { PowerHost } from "./_power.ts";
import { makeEditedHost } from "./_state.ts";

describe.skipIf(!canPull || !canMount)("when the power is cut", () => {
  let host: PowerHost;
  beforeAll(async () => {
    using edited = await makeEditedHost();
    host = await PowerHost.create(edited);
  }, 60_000);
  afterAll(async () => await host?.[Symbol.asyncDispose]());

  /** Ends what was begun; there is no such snapshot. */
  const recover = async () => {
    const { exitCode, stderr } = await host.run(["machines", "forget", "web", "none", "--yes"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2 });
  };

  test.each([
    ["snapshot", () => ["snapshot", "web", "second", "--with-data"], 2],
    ["rollback", () => ["rollback", "web", "first", "--with-data"], 2],
    ["apply", () => ["apply", join(host.dir, "web.toml"), "--yes"], 3],
  ] as const)(
    "in the verb %s, the machine is the old one or the new one",
    async (_, words, stride) => {
      const verb = ["machines", ...words()];
      await host.reset();
      await host.cut();
      const before = host.state();
      await host.reset();
      expect(await host.run(verb)).toMatchObject({ exitCode: 0 });
      const after = host.state();
      // What was told to be done stays done.
      await host.cut();
      expect(host.state()).toEqual(after);

      const ends = { old: 0, new: 0 };
      await sweep(
        host,
        () => host.reset(),
        verb,
        async (point) => {
          await host.cut();
          await recover();
          const state = host.state();
          expect({ point, litter: litter(state) }).toEqual({ point, litter: [] });
          const isNew = state.join("\n") === after.join("\n");
          if (!isNew) expect({ point, state }).toEqual({ point, state: before });
          ends[isNew ? "new" : "old"]++;
        },
        { stride },
      );
      expect(ends.old).toBeGreaterThan(0);
      expect(ends.new).toBeGreaterThan(0);
    },
    180_000,
  );
});
