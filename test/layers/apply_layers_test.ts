/**
 * Feeding the applying process: where bytes come from, who fails, who is stopped, how much is held
 * in memory. What the layers of each compression make is in compressed_test.ts.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { MbctlError } from "../../lib/errors.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { parseDigest } from "../../lib/image/digest.ts";
import { applyLayers, type ApplyOptions, type LayerSource } from "../../lib/layers/apply_layers.ts";
import { DamagedLayerError } from "../../lib/layers/damaged_layer.ts";
import { file, pax, tar, unended, zeros } from "./raw_tar.ts";

setDefaultTimeout(30_000);

const isRoot = process.getuid?.() === 0;
const spawn = makeSpawn();

describe.skipIf(!isRoot)("applyLayers()", () => {
  let folder: string;
  let trees = 0;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mbctl-layers-"));
    // What the runtime opens once and for all.
    await apply([onDisk(tar(file("a")))]);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    expect(childrenOf(process.pid)).toEqual([]);
  });

  const newTree = () => {
    const tree = join(folder, `tree${trees++}`);
    mkdirSync(tree, { mode: 0o700 });
    return tree;
  };
  const apply = async (layers: readonly LayerSource[], options: Partial<ApplyOptions> = {}) => {
    const tree = newTree();
    return { tree, applied: await applyLayers(layers, tree, { spawn, ...options }) };
  };
  const failure = async (layers: readonly LayerSource[], options: Partial<ApplyOptions> = {}) => {
    const descriptors = readdirSync("/proc/self/fd").length;
    const error = await apply(layers, options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(childrenOf(process.pid)).toEqual([]);
    // The runtime closes some of its own (a child's pidfd) a moment later.
    while (readdirSync("/proc/self/fd").length > descriptors) await Bun.sleep(2);
    return error;
  };
  const onDisk = (plain: Uint8Array, blob: Uint8Array = gzipSync(plain)): LayerSource => {
    const path = join(folder, `blob${trees++}`);
    writeFileSync(path, blob);
    return { ...facts(plain, blob), open: async () => ({ path }) };
  };

  // More than all pipes and buffers hold, and not compressible.
  const noise = Buffer.alloc(6 * 1024 * 1024);
  for (let at = 0, seed = 1; at < noise.length; at += 4) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    noise.writeInt32LE(seed, at);
  }
  const large = tar(file("a", noise), file("b", "b"));

  test.each(["any", "own"] as const)("says what it made, and how far it was (%s)", async (way) => {
    const told: [number, number][] = [];
    const layers = [onDisk(large), onDisk(tar(file("c")))];
    const { tree, applied } = await apply(layers, {
      decompressors: way,
      onProgress: (...progress) => told.push(progress),
    });
    expect(applied).toEqual({ entries: 3, allocatedBytes: noise.length + 4096 });
    expect(readdirSync(tree).sort()).toEqual(["a", "b", "c"]);
    expect(Buffer.compare(readFileSync(join(tree, "a")), noise)).toBe(0);
    for (const [place, { sizeBytes }] of layers.entries()) {
      expect(told.findLast(([layer]) => layer === place)).toEqual([place, sizeBytes]);
    }
  });

  test.each(["any", "own"] as const)("takes bytes as they arrive (%s)", async (decompressors) => {
    const blob = gzipSync(large);
    let asked = 0;
    const layer = { ...facts(large, blob), open: async () => arriving(blob, () => asked++) };
    const { tree } = await apply([onDisk(tar(file("0"))), layer], { decompressors });
    expect(asked).toBeGreaterThan(5);
    expect(Buffer.compare(readFileSync(join(tree, "a")), noise)).toBe(0);
  });

  test("opens a layer once, in order, and asks for one's bytes when those before are taken", async () => {
    const said: string[] = [];
    const blob = gzipSync(large);
    const layers = ["0", "1"].map((name) => ({
      ...facts(large, blob),
      open: async () => {
        said.push(`open ${name}`);
        return arriving(blob, () => said.push(name));
      },
    }));
    await apply(layers);
    expect(said.indexOf("1")).toBeGreaterThan(said.lastIndexOf("0"));
    expect(said.filter((word) => word.startsWith("open"))).toEqual(["open 0", "open 1"]);
  });

  test("lets an error of whoever gives the bytes come out as it is", async () => {
    const reason = new Error("the line is dead");
    const blob = gzipSync(large);
    const never = async () => Promise.reject(reason);
    const broken = async () => arriving(blob, (chunk) => chunk === 3 && Promise.reject(reason));
    for (const open of [never, broken]) {
      expect(await failure([onDisk(large), { ...facts(large, blob), open }])).toBe(reason);
    }
  });

  test("says which layer is damaged, and what its decompressor said", async () => {
    const blob = gzipSync(large).subarray(0, -1000);
    for (const decompressors of ["any", "own"] as const) {
      const layer = onDisk(large, blob);
      const error = await failure([onDisk(tar(file("0"))), layer], { decompressors });
      expect(error).toBeInstanceOf(DamagedLayerError);
      if (!(error instanceof DamagedLayerError)) return;
      expect(error.digest).toBe(layer.digest);
      expect(error.message).toEndWith("it cannot be decompressed");
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  test("tells a damaged layer from one that holds what is refused", async () => {
    const hostile = tar(file("a", "", { type: "9" }), file("b", noise));
    const refused = await failure([onDisk(hostile)]);
    expect(refused).not.toBeInstanceOf(DamagedLayerError);
    expect(refused).toMatchObject({ kind: "usage" });
    expect((refused as MbctlError).message).toMatch(/: entry "a": its type is "9"/);
    const other = { ...onDisk(hostile), diffId: digestOf(large) };
    expect(await failure([other])).toBeInstanceOf(DamagedLayerError);
  });

  test.each(["a stalled download", "a file"])("is stopped within a moment: %s", async (from) => {
    const stop = new AbortController();
    const started = Promise.withResolvers<void>();
    const stalled = async function* () {
      yield gzipSync(large).subarray(0, 2_000_000);
      started.resolve();
      await new Promise(() => {});
    };
    const layer =
      from === "a file" ? onDisk(large) : { ...facts(large, large), open: async () => stalled() };
    if (from === "a file") started.resolve();
    const failed = failure([layer], { signal: stop.signal });
    await started.promise;
    const since = performance.now();
    stop.abort();
    expect(await failed).toMatchObject({ kind: "interrupted" });
    expect(performance.now() - since).toBeLessThan(2000);
  });

  test("a refused layer ends a download that stalls", async () => {
    const stalled = async function* () {
      yield Buffer.from(unended(file("a", "", { type: "9" })));
      await new Promise(() => {});
    };
    const stop = new AbortController();
    const layer = { ...facts(large, large), open: async () => stalled() };
    const failed = failure([layer, onDisk(large)], { signal: stop.signal });
    // Whether it is damaged is known when all of it is read: until then it is nobody's turn but the user's.
    stop.abort();
    expect(await failed).toMatchObject({ kind: "interrupted" });
  });

  test.each(["any", "own"] as const)(
    "a layer of 10 GB of zeros is refused at its bound, in bounded memory (%s)",
    async (decompressors) => {
      const size = 10_000_000_000;
      const header = unended(pax({ size: String(size) }), file("zeros", "", { size: 0 }));
      const member = gzipSync(zeros(64 * 1024 * 1024));
      const blob = Buffer.concat([gzipSync(header), ...Array(150).fill(member)]);
      const layer = onDisk(large, blob);
      let peak = 0;
      const watch = setInterval(() => {
        const pids = [process.pid, ...childrenOf(process.pid)];
        peak = Math.max(peak, ...pids.slice(1).map(memoryOf));
      }, 20);
      const since = performance.now();
      const error = await failure([layer], { decompressors, maxPlainBytes: 300_000_000 });
      clearInterval(watch);
      expect((error as MbctlError).message).toInclude("more than 300000000 bytes");
      expect(performance.now() - since).toBeLessThan(10_000);
      expect(peak).toBeLessThan(120);
    },
  );

  test("touches no directory that is not empty", async () => {
    const tree = newTree();
    writeFileSync(join(tree, "mine"), "");
    const applied = applyLayers([onDisk(tar(file("a")))], tree, { spawn });
    expect(applied).rejects.toThrow("is not empty");
    await applied.catch(() => {});
    expect(readdirSync(tree)).toEqual(["mine"]);
  });

  test("warns once of what all layers have", async () => {
    const labelled = tar(pax({ "SCHILY.xattr.security.selinux": "x" }), file("a"));
    const warnings: string[] = [];
    await apply([onDisk(labelled), onDisk(labelled)], { onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual([
      'the extended attribute "security.selinux" was left out: layers may not set it',
    ]);
  });
});

function facts(plain: Uint8Array, blob: Uint8Array) {
  return { digest: digestOf(blob), diffId: digestOf(plain), sizeBytes: blob.length };
}

function digestOf(bytes: Uint8Array) {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** Bytes in chunks; `onChunk` is waited for before each. */
async function* arriving(bytes: Uint8Array, onChunk: (index: number) => unknown) {
  const size = 500_000;
  for (let at = 0; at < bytes.length; at += size) {
    await onChunk(at / size);
    yield bytes.slice(at, at + size);
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

/** Megabytes of a process, its part of what it shares counted; 0 when it is gone. */
function memoryOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
