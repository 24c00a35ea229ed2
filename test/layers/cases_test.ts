/**
 * Layers by hand: each row of cases/ is applied by our code and by the reference, and the trees are
 * compared entry by entry (snapshot.ts says what is compared, compare.ts what is left out).
 * Whatever a layer holds, nothing beside the tree may change.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { allCases } from "./cases/all.ts";
import type { Expectation, LayerCase, Layers } from "./cases/case.ts";
import { compareTrees } from "./compare.ts";
import { type Attempt, attempt } from "./ours.ts";
import type { Outcome } from "./reference/umoci.ts";
import { canWork, openWorkbench, type Workbench } from "./workbench.ts";

setDefaultTimeout(60_000);

describe.skipIf(!canWork)("applyPlainLayers()", () => {
  let bench: Workbench;
  let since: bigint;
  const outcomes = new Map<LayerCase, Outcome>();
  /** The trees that are right where the reference is wrong. */
  const rightTrees = new Map<LayerCase, Outcome>();

  beforeAll(async () => {
    bench = await openWorkbench();
    since = BigInt(Date.now()) * 1_000_000n;
    const cases = Object.values(allCases).flat();
    const wrong = cases.filter(({ expect }) => expect.kind === "tree");
    const stacks = [...cases.map(layersOf), ...wrong.map(({ expect }) => rightLayers(expect))];
    const found = await bench.unpackWithUmoci(stacks.map((s) => s.map((bytes) => ({ bytes }))));
    for (const [index, row] of cases.entries()) outcomes.set(row, at(found, index));
    for (const [index, row] of wrong.entries())
      rightTrees.set(row, at(found, cases.length + index));
  });
  afterAll(() => bench?.[Symbol.dispose]());

  /** The paths in the layers are the same for both, wherever each one's tree is. */
  function layersOf({ layers }: LayerCase): Layers {
    return typeof layers === "function" ? layers(bench.outside) : layers;
  }

  function expectTree(ours: Attempt, right: Outcome): void {
    expect(ours.said).toBe("");
    expect(right.said).toInclude("unpacked image rootfs");
    const comparison = compareTrees(ours.tree, right.tree, since);
    expect(comparison.ours).toEqual(comparison.reference);
  }

  for (const [noun, cases] of Object.entries(allCases)) {
    describe(noun, () => {
      test.each(cases.map((row) => [row.name, row] as const))("%s", (_, row) => {
        const reference = outcomes.get(row);
        if (reference === undefined) throw new Error("The reference has not run");
        const ours = attempt(bench, layersOf(row));
        expect(ours.untouched.after).toEqual(ours.untouched.before);
        const { expect: expected } = row;
        switch (expected.kind) {
          case "same":
            expectTree(ours, reference);
            break;
          case "refused":
            expect(reference.isAccepted).toBe(false);
            expect(ours.said).toMatch(expected.says);
            break;
          case "refuses":
            // Were the reference right by now, the row would be of another kind.
            expect(reference.isAccepted).toBe(true);
            expect(ours.said).toMatch(expected.says);
            break;
          case "tree": {
            const right = rightTrees.get(row);
            if (right === undefined) throw new Error("The reference has not run");
            expectTree(ours, right);
            expect(isWrong(reference, right)).toBe(true);
            break;
          }
        }
      });
    });
  }

  /** Whether the reference makes of the layers something else than the right tree. */
  function isWrong(reference: Outcome, right: Outcome): boolean {
    if (!reference.isAccepted) return true;
    const { ours, reference: lines } = compareTrees(reference.tree, right.tree, since);
    return !Bun.deepEquals(ours, lines);
  }
});

test("every case has a name of its own", () => {
  const names = Object.values(allCases).flatMap((cases) => cases.map(({ name }) => name));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

function rightLayers(expected: Expectation): Layers {
  return expected.kind === "tree" ? expected.layers : [];
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`Nothing at ${index}`);
  return item;
}
