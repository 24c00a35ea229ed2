/** What becomes of a machine whose change is killed at its steps. How these are found: test/machine/_sweep.ts. */

import { expect } from "bun:test";
import type { OuterHost } from "../machine/_outer_host.ts";
import { litter } from "../machine/_snapshot.ts";
import { sweep } from "../machine/_sweep.ts";
import { stateOf } from "./_state.ts";

/**
 * Kills a verb at its steps. The next run that touches the machine must leave it as it was or as it was to be, both of
 * which must happen, and nothing else.
 *
 * @param start the kept state that each run begins with.
 * @param stride 3 takes every third step.
 */
export async function expectOldOrNew(
  host: OuterHost,
  start: string,
  verb: readonly string[],
  stride: number,
): Promise<void> {
  host.bringBack(start);
  const before = stateOf(host);
  await host.succeed(verb);
  const after = stateOf(host);
  expect(after).not.toEqual(before);
  const seen = new Set<string>();
  const ends = { old: 0, new: 0 };
  const points = await sweep(
    host,
    () => host.bringBack(start),
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
}
