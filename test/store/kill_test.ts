/**
 * Kills a program that works on a store at every system call that changes
 * something. A first run under strace shows these calls of the main thread; then
 * strace sends SIGKILL at each of them in turn. No hook is in the product.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseImageRef } from "../../lib/image/reference.ts";
import { readContents } from "../../lib/store/contents.ts";
import { findStored } from "../../lib/store/images.ts";
import { listReferences } from "../../lib/store/references.ts";
import { storeBelow } from "../../lib/store/store.ts";
import { faultsOf, newLayers, oldLayers, prune, pull, reference } from "./_work.ts";
import { leftovers, type MadeImage, platform } from "./_workshop.ts";

/** Only the store writes with pwrite64. What is opened anew is seen at the next call. */
const changes =
  "pwrite64,ftruncate,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,rmdir,utimensat,flock";
const canTrace = Bun.which("strace") !== null;

describe.skipIf(!canTrace)("killed at each step", () => {
  let dir = "";
  let old: MadeImage;
  beforeAll(async () => {
    // Hundreds of synced files: in memory where there is a place for it.
    const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    dir = mkdtempSync(join(base, "mbctl-store-kill-"));
    old = await pull(join(dir, "old"), oldLayers);
    use(join(dir, "old"), old);
    cpSync(join(dir, "old"), join(dir, "both"), { recursive: true });
    await pull(join(dir, "both"), newLayers);
    cpSync(join(dir, "both"), join(dir, "unused"), { recursive: true });
    rmSync(join(dir, "unused/var/lib/man8machine_configs"), { recursive: true });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Makes a machine of an image. */
  function use(root: string, image: MadeImage): void {
    const folder = join(root, "var/lib/man8machine_configs/web");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "machine.toml"), `"${image.index}" "${image.manifest}"`);
  }

  /** Runs the program below strace. */
  async function run(root: string, words: readonly string[], strace: readonly string[]) {
    const program = [process.execPath, join(import.meta.dir, "_work.ts"), root, ...words];
    const argv = ["strace", "-qq", "-y", ...strace, ...program];
    const child = Bun.spawn(argv, { stdout: "ignore", stderr: "pipe" });
    const stderr = await new Response(child.stderr).text();
    await child.exited;
    return { signalCode: child.signalCode, stderr };
  }

  /** Puts a copy of a state to a root. */
  function begin(root: string, state: string): void {
    rmSync(root, { recursive: true, force: true });
    if (state !== "") cpSync(join(dir, state), root, { recursive: true, preserveTimestamps: true });
  }

  /** Runs the words once for each call, on a copy of a state, and looks at what is left. */
  async function sweep(
    state: string,
    words: readonly string[],
    check: (root: string, point: string) => Promise<void>,
  ): Promise<number> {
    const trace = join(dir, "trace");
    begin(join(dir, "root"), state);
    const first = await run(join(dir, "root"), words, ["-o", trace, "-e", `trace=${changes}`]);
    expect(first.stderr).toBe("");
    const counts = new Map<string, number>();
    const points: { call: string; n: number; line: string }[] = [];
    for (const [line, call = ""] of readFileSync(trace, "utf8").matchAll(/^(\w+)\(.*$/gm)) {
      const n = (counts.get(call) ?? 0) + 1;
      counts.set(call, n);
      // Without Bun's own business, and what changes nothing.
      if (line.includes(dir) && !/ = -1 E/.test(line)) points.push({ call, n, line });
    }
    const count = points.length;
    const lane = async (root: string) => {
      for (let next = points.shift(); next !== undefined; next = points.shift()) {
        const { call, n, line } = next;
        begin(root, state);
        const inject = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${n}`];
        const { signalCode } = await run(root, words, ["-o", "/dev/null", ...inject]);
        const point = `${call} ${n}: ${line.replaceAll(dir, "")}`;
        expect({ point, signalCode }).toEqual({ point, signalCode: "SIGKILL" });
        await check(root, point);
      }
    };
    await Promise.all(["root", "root-2"].map((name) => lane(join(dir, name))));
    return count;
  }

  const whole = (root: string, text: string) => {
    const found = findStored(storeBelow(root), parseImageRef(text), platform);
    return found?.missing.length === 0;
  };

  test.each([
    ["into nothing", "", 25],
    ["over another image", "old", 15],
  ])(
    "a pull %s is completed by the next one, and loses nothing",
    async (_, state, least) => {
      const points = await sweep(state, ["pull", ...newLayers], async (root, point) => {
        expect({ point, faults: await faultsOf(root) }).toEqual({ point, faults: [] });
        const image = await pull(root, newLayers);
        expect({ point, faults: await faultsOf(root) }).toEqual({ point, faults: [] });
        expect(whole(root, reference)).toBe(true);
        expect(whole(root, `${reference.replace(":1", "")}@${old.index}`)).toBe(state !== "");
        const contents = readContents(storeBelow(root), []);
        expect(contents.trees.map(({ chain }) => chain)).toContain(image.chain);
        expect({ point, partials: contents.partials }).toEqual({ point, partials: [] });
        await prune(root, { keepDays: 9 });
        expect({ point, left: leftovers(root) }).toEqual({ point, left: [] });
        expect([whole(root, reference), await faultsOf(root)]).toEqual([true, []]);
      });
      expect(points).toBeGreaterThan(least);
    },
    60_000,
  );

  test.each([
    ["around an image in use", "both", 1],
    ["of everything", "unused", 0],
  ])(
    "a prune %s is completed by the next one",
    async (_, state, images) => {
      const points = await sweep(state, ["prune"], async (root, point) => {
        expect({ point, faults: await faultsOf(root) }).toEqual({ point, faults: [] });
        await prune(root);
        expect({ point, faults: await faultsOf(root) }).toEqual({ point, faults: [] });
        const contents = readContents(storeBelow(root), []);
        expect({ point, left: leftovers(root) }).toEqual({ point, left: [] });
        expect(contents.images).toHaveLength(images);
        expect(contents.trees).toHaveLength(images);
        expect(contents.blobs).toHaveLength(5 * images);
        expect(listReferences(storeBelow(root)).references).toHaveLength(images);
      });
      expect(points).toBeGreaterThan(8);
    },
    60_000,
  );
});
