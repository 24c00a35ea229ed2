/** Several processes in one store at once, some of them killed. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readContents } from "../../lib/store/contents.ts";
import { storeBelow } from "../../lib/store/store.ts";
import { faultsOf, layerBytes, prune, pull } from "./_work.ts";
import { leftovers } from "./_workshop.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "mbctl-store-many-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs the program; kills it when it has written so many lines. Returns what it wrote, or undefined when it was killed. */
async function work(root: string, words: readonly string[], killAfter = Infinity) {
  const program = [process.execPath, join(import.meta.dir, "_work.ts"), root, ...words];
  const child = Bun.spawn(program, { stdout: "pipe", stderr: "pipe" });
  const talk = new Response(child.stderr).text();
  let text = "";
  if (killAfter === 0) child.kill("SIGKILL");
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    if (text.split("\n").length > killAfter) child.kill("SIGKILL");
  }
  await child.exited;
  if (child.signalCode === "SIGKILL") return undefined;
  expect({ words, exitCode: child.exitCode, stderr: await talk }).toMatchObject({
    words,
    exitCode: 0,
    stderr: "",
  });
  return text;
}

/** A made-up random number below `limit`: the same in each run. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    // Numerical Recipes' linear congruential generator; its high bits are the good ones.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test("four pulls of one image at once download each byte once", async () => {
  const root = join(dir, "shared");
  const layers = ["a", "b", "c"];
  const all = await Promise.all([0, 1, 2, 3].map(() => work(root, ["pull", ...layers])));
  const bytes = all.flatMap((text) => text?.trim().split("\n").map(Number) ?? []);
  expect(bytes.reduce((sum, piece) => sum + piece, 0)).toBe(layers.length * layerBytes);
  expect([await faultsOf(root), leftovers(root)]).toEqual([[], []]);
}, 20_000);

test("pulls and prunes that are killed at random leave a store that works", async () => {
  const root = join(dir, "killed");
  const image = await pull(root, ["kept", "a"]);
  const machine = join(root, "var/lib/man8machine_configs/web");
  mkdirSync(machine, { recursive: true });
  writeFileSync(join(machine, "machine.toml"), `"${image.index}" "${image.manifest}"`);
  const tasks = [["pull", "a", "b"], ["pull", "b", "c", "d"], ["pull", "d", "a", "c"], ["prune"]];
  let killed = 0;
  const lane = async (seed: number) => {
    const roll = dice(seed);
    for (let turn = 0; turn < 12; turn++) {
      const words = tasks[roll(tasks.length)] ?? [];
      const killAfter = roll(3) === 0 ? Infinity : roll(10);
      if ((await work(root, words, killAfter)) === undefined) killed += 1;
    }
  };
  await Promise.all([1, 2, 3].map(lane));
  expect(killed).toBeGreaterThan(5);
  expect(await faultsOf(root)).toEqual([]);
  for (const words of tasks) await work(root, words);
  expect(await faultsOf(root)).toEqual([]);
  await prune(root, { everything: true });
  expect([await faultsOf(root), leftovers(root)]).toEqual([[], []]);
  const left = readContents(storeBelow(root), []);
  expect([left.images.length, left.blobs.length, left.trees.length]).toEqual([1, 5, 1]);
}, 30_000);
