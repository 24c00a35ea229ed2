import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Digest, digestOf } from "../../lib/image/digest.ts";
import type { ImageContents, StoreContents } from "../../lib/store/contents.ts";
import { blobsOf, planPrune, type PruneOptions } from "../../lib/store/prune.ts";

const dayMs = 24 * 3600 * 1000;
const nowMs = 1000 * dayMs;
const day = (days: number) => nowMs - days * dayMs;

/** Made-up contents: blobs of 100 bytes, trees of 1000, notes of 1. */
interface Made {
  readonly name: string;
  readonly layers: readonly string[];
  readonly machines?: readonly string[];
  readonly usedDaysAgo?: number;
  readonly references?: number;
  readonly hasTree?: boolean;
}

interface Loose {
  readonly blobs?: readonly (readonly [name: string, daysAgo: number])[];
  readonly partials?: readonly (readonly [name: string, daysAgo: number])[];
  readonly trees?: readonly string[];
  readonly litter?: readonly string[];
}

function contentsOf(made: readonly Made[], loose: Loose = {}): StoreContents {
  const file = (path: string, allocatedBytes: number, daysAgo = 0) => ({
    ...{ path, sizeBytes: allocatedBytes, allocatedBytes, modifiedMs: day(daysAgo) },
  });
  const images = made.map((image): ImageContents => {
    const { name, machines = [], usedDaysAgo = 0, references: count = 1 } = image;
    const usedMs = count === 0 ? 0 : day(usedDaysAgo);
    return {
      manifestDigest: digestOf(`manifest ${name}`),
      platform: undefined,
      references: Array.from({ length: count }, (_, index) => ({
        ...file(`/references/${name}${index}`, 1, usedDaysAgo),
        reference: `${name}${index}`,
        digest: digestOf(`index ${name}`),
        manifestDigest: digestOf(`manifest ${name}`),
        platform: { os: "linux", architecture: "amd64" },
        ...{ resolvedMs: usedMs, usedMs },
      })),
      machines,
      documents: [digestOf(`index ${name}`), digestOf(`manifest ${name}`)],
      config: digestOf(`config ${name}`),
      layers: [...new Set(image.layers.map((layer) => digestOf(layer)))],
      ...{
        layersSizeBytes: 0,
        missing: [],
        chain: digestOf(`chain ${image.layers.join()}`),
        usedMs,
      },
    };
  });
  const digests = new Set([...images.flatMap(blobsOf)]);
  const chains = new Map(
    images.filter((_, index) => made[index]?.hasTree).map((image) => [image.chain, image]),
  );
  const tree = (chain: Digest, machines: readonly string[]) => ({
    ...file(`/trees/${chain}`, 1000),
    ...{ chain, manifestDigest: chain, entries: 1, usedMs: 0, machines },
  });
  return {
    images,
    references: images.flatMap(({ references }) => references),
    blobs: [
      ...[...digests].map((digest) => ({ ...file(`/blobs/${digest}`, 100), digest })),
      ...(loose.blobs ?? []).map(([name, daysAgo]) => ({
        ...file(`/blobs/${name}`, 100, daysAgo),
        digest: digestOf(name),
      })),
    ],
    trees: [
      ...[...chains].flatMap(([chain]) =>
        chain === undefined
          ? []
          : [
              tree(
                chain,
                images.filter((image) => image.chain === chain).flatMap((i) => i.machines),
              ),
            ],
      ),
      ...(loose.trees ?? []).map((name) => tree(digestOf(name), [])),
    ],
    partials: (loose.partials ?? []).map(([name, daysAgo]) => ({
      ...file(`/partial/${name}`, 10, daysAgo),
      digest: digestOf(name),
    })),
    litter: (loose.litter ?? []).map((name) => ({ ...file(name, 5), kind: "file" as const })),
    used: new Set(
      images.filter(({ machines }) => machines.length > 0).map((image) => image.manifestDigest),
    ),
  };
}

/** Which of the images are gone as a whole, and what else is, by path. */
function gone(contents: StoreContents, options: Partial<PruneOptions> = {}) {
  const { removals } = planPrune(contents, { nowMs, ...options });
  const paths = new Set(removals.map(({ path }) => path));
  const names = new Set(removals.map(({ name }) => name));
  return {
    references: contents.references
      .filter(({ path }) => paths.has(path))
      .map(({ reference }) => reference),
    layers: ["a", "b", "c", "d"].filter((layer) => names.has(digestOf(layer))),
    others: [...paths].filter((path) => !/\/(references|blobs\/sha256:|trees\/)/.test(path)),
    trees: [...paths].filter((path) => path.startsWith("/trees/")).length,
  };
}

const used = {
  name: "used",
  layers: ["a", "b"],
  machines: ["web"],
  usedDaysAgo: 99,
  hasTree: true,
};
const old = { name: "old", layers: ["a", "c"], usedDaysAgo: 10, hasTree: true };
const recent = { name: "recent", layers: ["a", "d"], usedDaysAgo: 1, references: 2 };

test("by default all goes that no machine uses, and no layer that another image needs", () => {
  expect(gone(contentsOf([used, old, recent]))).toEqual({
    references: ["old0", "recent0", "recent1"],
    layers: ["c", "d"],
    others: [],
    trees: 1,
  });
});

test("with days to keep, what was used since stays", () => {
  expect(gone(contentsOf([used, old, recent]), { keepDays: 5 })).toEqual({
    references: ["old0"],
    layers: ["c"],
    others: [],
    trees: 1,
  });
  expect(gone(contentsOf([used, old, recent]), { keepDays: 11 }).references).toEqual([]);
});

test("an image was used when the newest of its references was", () => {
  const contents = contentsOf([{ ...recent, usedDaysAgo: 30 }]);
  const [image] = contents.images;
  if (image === undefined) throw new Error("no image");
  const newer = { ...contents, images: [{ ...image, usedMs: day(2) }] };
  expect(gone(newer, { keepDays: 5 }).references).toEqual([]);
});

test("with a size, what was used longest ago goes first, and only as much as needed", () => {
  const contents = contentsOf([used, old, recent]);
  // used: 2 + 1 + 2 blobs, tree, note; old: 4 blobs, tree, note; recent: 4 blobs, two notes.
  const total = planPrune(contents, { nowMs, keepDays: 999 }).leftBytes;
  expect(total).toBe(500 + 1001 + 400 + 1001 + 400 + 2);
  expect(gone(contents, { maxSizeBytes: total }).references).toEqual([]);
  expect(gone(contents, { maxSizeBytes: total - 1 }).references).toEqual(["old0"]);
  const all = gone(contents, { maxSizeBytes: 0 });
  expect(all.references).toEqual(["old0", "recent0", "recent1"]);
  expect(planPrune(contents, { nowMs, maxSizeBytes: 0 }).leftBytes).toBe(1501);
});

test("with a size and days, both hold", () => {
  const contents = contentsOf([used, old, recent]);
  expect(gone(contents, { maxSizeBytes: 1e9, keepDays: 5 }).references).toEqual(["old0"]);
});

test("what nothing leads to goes, unless it may still be wanted", () => {
  const contents = contentsOf([used], {
    blobs: [
      ["fresh blob", 0],
      ["old blob", 9],
    ],
    partials: [
      ["fresh", 0],
      ["old", 2],
      ["older", 9],
    ],
    litter: ["/litter"],
    trees: ["nobody's"],
  });
  const rest = (options: Partial<PruneOptions>): unknown[] => {
    const { others, trees } = gone(contents, options);
    return [...others, trees];
  };
  const blobs = ["/blobs/fresh blob", "/blobs/old blob"];
  const partials = ["/partial/fresh", "/partial/old", "/partial/older"];
  expect(rest({})).toEqual([...blobs, ...partials.slice(1), "/litter", 1]);
  expect(rest({ keepDays: 5 })).toEqual([...blobs.slice(1), partials[2], "/litter", 1]);
  expect(rest({ everything: true })).toEqual([...blobs, ...partials, "/litter", 1]);
  expect(rest({ maxSizeBytes: 1e9 })).toEqual([...blobs, ...partials.slice(1), "/litter", 1]);
});

test("a tree whose image's manifest was lost stays while a machine uses it", () => {
  const contents = contentsOf([], { trees: ["x"] });
  const trees = contents.trees.map((tree) => ({ ...tree, machines: ["web"] }));
  expect(gone({ ...contents, trees }, { everything: true }).trees).toBe(0);
});

test("references go first, then what leads to layers, then layers", () => {
  const { removals } = planPrune(contentsOf([old]), { nowMs });
  const digest = (name: string) => digestOf(name);
  expect(removals.map(({ name }) => name)).toEqual([
    "old0",
    ...[digest("index old"), digest("manifest old"), digest("config old")],
    ...[digest("a"), digest("c")],
    digest("chain a,c"),
  ]);
  expect(removals.map(({ why }) => why)).toEqual(Array(7).fill("no machine uses it"));
});

test("nothing that is in use is ever planned to go, and the sums are right", () => {
  const layer = fc.constantFrom("a", "b", "c", "d", "e");
  const image = fc.record({
    layers: fc.array(layer, { maxLength: 4 }),
    machines: fc.array(fc.constantFrom("web", "db"), { maxLength: 2 }),
    usedDaysAgo: fc.nat(50),
    references: fc.nat(2),
    hasTree: fc.boolean(),
  });
  const options = fc.record({
    keepDays: fc.option(fc.nat(50), { nil: undefined }),
    maxSizeBytes: fc.option(fc.nat(9000), { nil: undefined }),
    everything: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(image, { maxLength: 6 }), options, (made, chosen) => {
      const contents = contentsOf(made.map((each, index) => ({ ...each, name: `i${index}` })));
      const plan = planPrune(contents, { nowMs, ...chosen });
      const names = new Set(plan.removals.map(({ name }) => name));
      for (const kept of contents.images) {
        const isGone = kept.references.some(({ reference }) => names.has(reference));
        if (kept.machines.length > 0) expect(isGone).toBe(false);
        // An image stays as a whole, or loses its references.
        const parts = [...blobsOf(kept), ...(kept.chain === undefined ? [] : [kept.chain])];
        const isWhole = parts.every((digest) => !names.has(digest));
        if (kept.machines.length > 0 || (!isGone && kept.references.length > 0))
          expect(isWhole).toBe(true);
      }
      expect(names.size).toBe(plan.removals.length);
      const freed = plan.removals.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(plan.freedBytes).toBe(freed);
      const all = [...contents.references, ...contents.blobs, ...contents.trees];
      expect(plan.leftBytes + freed).toBe(all.reduce((sum, each) => sum + each.allocatedBytes, 0));
      if (chosen.everything || (chosen.maxSizeBytes ?? 1) === 0) {
        const left = contents.images.filter(
          ({ machines, references }) =>
            machines.length === 0 && references.some(({ reference }) => !names.has(reference)),
        );
        if (plan.leftBytes > 0) expect(left).toEqual([]);
      }
    }),
  );
});
