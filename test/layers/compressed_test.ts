/**
 * Layers as they lie in a registry, applied by the process that does it in earnest: by the decompressors
 * of the host and by our own, from a file and as bytes arrive. All of them make the same of a layer, and so
 * does the reference, but where a row says otherwise.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { parseDigest } from "../../lib/image/digest.ts";
import { applyLayers } from "../../lib/layers/apply_layers.ts";
import { type CompressedCase, compressedCases } from "./cases/compressed.ts";
import { compareTrees } from "./compare.ts";
import type { Outcome } from "./reference/umoci.ts";
import { canWork, openWorkbench, type Workbench } from "./workbench.ts";

setDefaultTimeout(30_000);

const ways = [
  { decompressors: "any", from: "file" },
  { decompressors: "own", from: "file" },
  { decompressors: "any", from: "chunks" },
  { decompressors: "own", from: "chunks" },
] as const;
type Way = (typeof ways)[number];

describe.skipIf(!canWork)("applyLayers()", () => {
  let bench: Workbench;
  let since: bigint;
  const spawn = makeSpawn();
  /** What the reference makes of the layer as it is stored. */
  const outcomes = new Map<CompressedCase, Outcome>();
  /** What it makes of the plain one. */
  const plainOutcomes = new Map<CompressedCase, Outcome>();

  beforeAll(async () => {
    bench = await openWorkbench();
    since = BigInt(Date.now()) * 1_000_000n;
    const stored = compressedCases.map(({ blob, plain, mediaType }) => [
      { bytes: blob, plain, suffix: mediaType === "none" ? "" : `+${mediaType}` },
    ]);
    const plain = compressedCases.map(({ plain: bytes }) => [{ bytes }]);
    const found = await bench.unpackWithUmoci([...stored, ...plain]);
    for (const [index, row] of compressedCases.entries()) {
      outcomes.set(row, at(found, index));
      plainOutcomes.set(row, at(found, index + compressedCases.length));
    }
  });
  afterAll(() => bench?.[Symbol.dispose]());

  async function attempt({ blob, plain }: CompressedCase, { decompressors, from }: Way) {
    const folder = bench.makeFolder();
    const [path, tree] = [join(folder, "blob"), join(folder, "tree")];
    mkdirSync(tree, { mode: 0o700 });
    writeFileSync(path, blob);
    const open = async () => (from === "file" ? { path } : chunksOf(blob));
    const digests = { digest: digestOf(blob), diffId: digestOf(plain), sizeBytes: blob.length };
    try {
      await applyLayers([{ ...digests, open }], tree, { spawn, decompressors });
      return { tree, said: "" };
    } catch (error) {
      if (!(error instanceof MbctlError)) throw error;
      expect(error.message).toInclude(digestOf(blob));
      return {
        tree,
        said: `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}`,
      };
    }
  }

  test.each(compressedCases.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const reference = at([outcomes.get(row)], 0);
    const right = at([plainOutcomes.get(row)], 0);
    const isTree = row.expect === "tree" || row.expect === "either";
    if (row.mediaType !== "zstd") {
      expect(reference.isAccepted).toBe(isTree && row.because === undefined);
    }
    const attempts = await Promise.all(ways.map((way) => attempt(row, way)));
    for (const { tree, said } of attempts) {
      if (row.expect instanceof RegExp) {
        expect(said).toMatch(row.expect);
        continue;
      }
      if (row.expect === "either" && said !== "") continue;
      expect(said).toBe("");
      const trees = compareTrees(tree, right.tree, since);
      expect(trees.ours).toEqual(trees.reference);
    }
  });

  test("127 layers, gzip, zstd and plain in turn", async () => {
    const rows = ["gzip", "zstd", "plain"].map((name) =>
      at(
        compressedCases.filter((row) => row.name === name),
        0,
      ),
    );
    const layers = Array.from({ length: 127 }, (_, index) => {
      const { blob, plain } = at(rows, index % rows.length);
      const digests = { digest: digestOf(blob), diffId: digestOf(plain), sizeBytes: blob.length };
      return { ...digests, open: async () => chunksOf(blob) };
    });
    const tree = bench.makeFolder();
    await applyLayers(layers, tree, { spawn });
    const trees = compareTrees(tree, at([plainOutcomes.get(at(rows, 0))], 0).tree, since);
    expect(trees.ours).toEqual(trees.reference);
  });
});

/** Bytes as they arrive: never where a frame or a header ends. */
async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const sizes = [1, 7, 100, 4096, 70_000];
  for (let done = 0, turn = 0; done < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(done, done + size);
    done += size;
  }
}

function digestOf(bytes: Uint8Array) {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

function at<T>(items: readonly (T | undefined)[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`Nothing at ${index}`);
  return item;
}
