/**
 * Kills mbctl at every step of a pull and of a removal. A first run under strace
 * shows the system calls of the main thread that change a folder or start a child;
 * then strace sends SIGKILL at each of them in turn. What the applying process does
 * meanwhile depends on the bytes that it has been given: there it is killed when so
 * many have come. No hook is in the product.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../lab/wait_for.ts";
import { canPull, OuterHost } from "./_outer_host.ts";
import { applierOf, hasEnded, writeProgram } from "./_processes.ts";
import { litter } from "./_snapshot.ts";
import { sweep } from "./_sweep.ts";

describe.skipIf(!canPull)("killed", () => {
  let host: OuterHost;
  let untouched: string[];
  let pulled: string[];
  let removed: string[];
  const removeWords = ["machines", "remove", "web", "--yes"];

  beforeAll(async () => {
    host = await OuterHost.create();
    await host.succeed(host.pullWords);
    await host.succeed(removeWords);
    // The folders of machines stay; what the pull made of the administrator's own does, too.
    host.reset();
    await host.succeed(["machines", "list"]);
    untouched = host.snapshot();
    await host.succeed(host.pullWords);
    pulled = host.snapshot();
    host.keep("pulled");
    await host.succeed(removeWords);
    removed = host.snapshot();
  });
  afterAll(() => host?.[Symbol.dispose]());

  const folders = /^root\/(var|etc)(\/[a-z]+)?(\/(man8[a-z_]+|machines|nspawn|system))?\/ /;

  /** Wants the next pull to be whole, and a removal in its place to leave nothing. */
  async function expectGoodEnd(point: unknown, killed: readonly string[]): Promise<void> {
    const { machines } = JSON.parse(await host.succeed(["machines", "list", "--json"]));
    for (const machine of machines)
      expect(machine).toMatchObject({ name: "web", state: "pull unfinished" });
    expect({ point, troubles: unfinished(host.storeTroubles()) }).toEqual({ point, troubles: [] });
    host.keep("killed");

    await host.succeed(host.pullWords);
    expect({ point, tree: host.snapshot() }).toEqual({ point, tree: pulled });
    expect({ point, troubles: unfinished(host.storeTroubles()) }).toEqual({ point, troubles: [] });

    host.bringBack("killed");
    const { exitCode, stderr } = await host.run(removeWords);
    const left = host.snapshot();
    if (exitCode !== 0) {
      // Nothing of the machine was there yet.
      expect(stderr).toBe(
        'mbctl: Cannot find the machine "web": there is no such machine\nhint: mbctl machines pull IMAGE NAME makes one\n',
      );
      expect(left).toEqual([...killed]);
    }
    expect({ point, litter: litter(left) }).toEqual({ point, litter: [] });
    // Each folder of the administrator's own is as it was before, or filled; never in between.
    for (const name of ["empty", "full", "missing"]) {
      const of = (lines: readonly string[]) =>
        lines.filter((line) => line.startsWith(`own/${name}`));
      expect([of(untouched), of(removed)]).toContainEqual(of(left));
    }
    // The host's firewall stays, as after any removal.
    const known = new Set([...untouched, ...removed]);
    expect(
      left.filter((line) => !line.startsWith("own/") && !folders.test(line) && !known.has(line)),
    ).toEqual([]);
  }
  /** A small file that was being written into the store stays until it is pruned, and harms nobody. */
  const unfinished = (troubles: readonly string[]) =>
    troubles.filter((path) => !/^mbctl\/partial\/\.mbctl-new\.\d+\.\d+$/.test(path));

  test("a pull is ended by the next pull, or taken away by a removal", async () => {
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
        await expectGoodEnd(point, killed);
      },
    );
    expect(steps).toBeGreaterThan(40);
    expect(states.size).toBeGreaterThan(25);
  }, 240_000);

  /** The plain bytes of the image's one layer. */
  function plainLayer(): Uint8Array {
    const blobs = join(host.dir, "image/blobs/sha256");
    const layer = readdirSync(blobs)
      .map((name) => readFileSync(join(blobs, name)))
      .find((bytes) => bytes[0] === 0x1f);
    return Bun.gunzipSync(new Uint8Array(layer ?? []));
  }

  test.each([0, 0.02, 0.3, 0.6, 0.9, 1])(
    "so is one that is killed when %p of a layer has come to the applying process",
    async (share) => {
      host.reset();
      const bytes = Math.floor(plainLayer().length * share);
      const [bin, reached] = [join(host.dir, "bin"), join(host.dir, "reached")];
      rmSync(reached, { force: true });
      // What feeds the applying process outlives mbctl: it must end of itself.
      writeProgram(
        bin,
        "igzip",
        `exec 3<&0\n(gzip -dc <&3 | head -c ${bytes}; exec sh -c 'echo $$ >${reached}; exec sleep 60' 2>/dev/null) & wait`,
      );
      const child = Bun.spawn(host.argv(host.pullWords), {
        stdio: ["ignore", "ignore", "ignore"],
        cwd: host.dir,
        env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      });
      const applier = await applierOf(child.pid);
      const feeder = await waitFor(
        async () => (await Bun.file(reached).text()).trim() || undefined,
        { what: "the bytes to be given" },
      );
      try {
        child.kill("SIGKILL");
        await child.exited;
        await hasEnded(applier);
        const killed = host.snapshot();
        expect(litter(killed)).not.toEqual([]);
        await expectGoodEnd({ share }, killed);
      } finally {
        process.kill(Number(feeder), "SIGKILL");
      }
    },
    30_000,
  );

  test("a removal is ended by the next removal, or by a pull", async () => {
    const steps = await sweep(
      host,
      () => host.bringBack("pulled"),
      removeWords,
      async (point, { signal }) => {
        expect(signal).toBe("SIGKILL");
        await host.succeed(["machines", "list"]);
        const { exitCode, stderr } = await host.run(removeWords);
        // After the last step nothing is left to be removed.
        if (exitCode !== 0) expect(stderr).toMatch(/there is no such machine/);
        expect({ point, tree: host.snapshot() }).toEqual({ point, tree: removed });
      },
    );
    expect(steps).toBeGreaterThan(15);
  }, 60_000);
});
