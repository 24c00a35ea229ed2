/**
 * Kills mbctl at every step of a pull and of a removal. A first run under strace
 * shows the system calls of the main thread that change a folder or start a child;
 * then strace sends SIGKILL at each of them in turn. No hook is in the product.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { canPull, OuterHost } from "./_outer_host.ts";
import { litter } from "./_snapshot.ts";
import { sweep } from "./_sweep.ts";

describe.skipIf(!canPull)("killed", () => {
  let host: OuterHost;
  let untouched: string[];
  let pulled: string[];
  let removed: string[];
  const removeWords = ["machines", "remove", "web", "--yes"];

  const succeed = async (words: readonly string[]) => {
    const outcome = await host.run(words);
    if (outcome.exitCode !== 0) throw new Error(`${words.join(" ")}: ${JSON.stringify(outcome)}`);
    return outcome.stdout;
  };

  beforeAll(async () => {
    host = await OuterHost.create();
    await succeed(host.pullWords);
    await succeed(removeWords);
    // The folders of machines stay; what the pull made of the administrator's own does, too.
    host.reset();
    await succeed(["machines", "list"]);
    untouched = host.snapshot();
    await succeed(host.pullWords);
    pulled = host.snapshot();
    host.keep("pulled");
    await succeed(removeWords);
    removed = host.snapshot();
  });
  afterAll(() => host?.[Symbol.dispose]());

  test("a pull is ended by the next pull, or taken away by a removal", async () => {
    const folders = /^root\/(var|etc)(\/[a-z]+)?(\/(man8[a-z_]+|machines|nspawn|system))?\/ /;
    const states = new Set<string>();
    const steps = await sweep(
      host,
      () => host.reset(),
      host.pullWords,
      async (point, { signal }) => {
        expect(signal).toBe("SIGKILL");
        const killed = host.snapshot();
        // Some calls change nothing: what is known of a state need not be shown twice.
        if (states.has(killed.join("\n"))) return;
        states.add(killed.join("\n"));
        const { machines } = JSON.parse(await succeed(["machines", "list", "--json"]));
        for (const machine of machines)
          expect(machine).toMatchObject({ name: "web", state: "pull unfinished" });
        host.keep("killed");

        await succeed(host.pullWords);
        expect({ point, tree: host.snapshot() }).toEqual({ point, tree: pulled });

        host.bringBack("killed");
        const { exitCode, stderr } = await host.run(removeWords);
        const left = host.snapshot();
        if (exitCode !== 0) {
          // Nothing of the machine was there yet.
          expect(stderr).toBe(
            'mbctl: Cannot find the machine "web": there is no such machine\nhint: mbctl machines pull IMAGE NAME makes one\n',
          );
          expect(left).toEqual(killed);
        }
        expect({ point, litter: litter(left) }).toEqual({ point, litter: [] });
        // Each folder of the administrator's own is as it was before, or filled; never in between.
        for (const name of ["empty", "full", "missing"]) {
          const of = (lines: readonly string[]) =>
            lines.filter((line) => line.startsWith(`own/${name}`));
          expect([of(untouched), of(removed)]).toContainEqual(of(left));
        }
        expect(
          left.filter(
            (line) => !line.startsWith("own/") && !folders.test(line) && !untouched.includes(line),
          ),
        ).toEqual([]);
      },
    );
    expect(steps).toBeGreaterThan(40);
    expect(states.size).toBeGreaterThan(25);
  }, 120_000);

  test("a removal is ended by the next removal, or by a pull", async () => {
    const steps = await sweep(
      host,
      () => host.bringBack("pulled"),
      removeWords,
      async (point, { signal }) => {
        expect(signal).toBe("SIGKILL");
        await succeed(["machines", "list"]);
        const { exitCode, stderr } = await host.run(removeWords);
        // After the last step nothing is left to be removed.
        if (exitCode !== 0) expect(stderr).toMatch(/there is no such machine/);
        expect({ point, tree: host.snapshot() }).toEqual({ point, tree: removed });
      },
    );
    expect(steps).toBeGreaterThan(15);
  }, 60_000);
});
