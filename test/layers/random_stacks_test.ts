/**
 * Random stacks of layers, by our code and by the reference: both refuse, or both accept and the
 * trees are equal.
 *
 * What the reference does differently, and why that is no fault of ours (the hand-made cases hold each alone):
 *
 * - "ours alone": it refuses a layer whose entries lie below a name that a *lower* layer left as a file. The layer
 *   says that there is a directory now, and so does overlayfs. Ours makes it. Counted; in such a
 *   stack our tree has no other to be compared with.
 * - "ours alone": a hard link that takes the place of a link which its own target leads through. It removes
 *   the name before it looks for the target, and finds none. Ours looks first. Counted as well.
 * - Times and inherited setgid, group and ACLs of directories that no entry names: compare.ts.
 * - Whiteouts of no name, of `.` and of `..`, and paths through `.wh.x/` are not drawn: the reference deletes
 *   the wrong thing, or makes it (cases/escapes.ts, cases/whiteouts.ts).
 *
 * Nothing that the reference accepts may be refused by ours.
 *
 * MBCTL_RANDOM_STACKS says how many, MBCTL_RANDOM_SEED which; by default they are the same each time, so that
 * a run that changed nothing finds nothing new. Search with other seeds after a change of this room.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { dirname, posix } from "node:path";
import fc from "fast-check";
import { compareTrees } from "./compare.ts";
import { type Attempt, attempt } from "./ours.ts";
import {
  type RandomEntry,
  type RandomStack,
  randomStack,
  renderStack,
  showStack,
} from "./random_stacks.ts";
import type { Outcome } from "./reference/umoci.ts";
import { canWork, openWorkbench, type Workbench } from "./workbench.ts";

setDefaultTimeout(300_000);

const stackCount = Number(process.env.MBCTL_RANDOM_STACKS ?? 2_000);
const seed = Number(process.env.MBCTL_RANDOM_SEED ?? 49_906_279);
/** Stacks that one cage of the reference unpacks. */
const batch = 250;

/** What ours accepts alone. */
const fileAsParent = /: mkdir parent: mkdir \S+: not a directory$/;
const lostTarget = /: link: no such file or directory$/;

function isKnown(refusal: string, stack: RandomStack): boolean {
  return (
    fileAsParent.test(refusal) ||
    (lostTarget.test(refusal) && stack.flat().some(leadsThroughItself))
  );
}

/** Whether the target of a hard link goes through the link's own name. */
function leadsThroughItself({ kind, path, target }: RandomEntry): boolean {
  const [name = "", source = ""] = [path, target].map((text) => posix.join("/", text, "/"));
  return kind === "hardlink" && source !== name && source.startsWith(name);
}

type Verdict = "equal" | "both refuse" | "ours alone" | "disagree";

describe.skipIf(!canWork)(`random stacks, seed ${seed}`, () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await openWorkbench();
  });
  afterAll(() => bench?.[Symbol.dispose]());

  test(`${stackCount} of them make the reference's tree, or are refused by both`, async () => {
    const counts: Record<Verdict, number> = {
      equal: 0,
      "both refuse": 0,
      "ours alone": 0,
      disagree: 0,
    };
    let counterexample: RandomStack | undefined;
    const stacks = fc.sample(randomStack, { numRuns: stackCount, seed });
    for (let first = 0; first < stacks.length; first += batch) {
      const some = stacks.slice(first, first + batch);
      for (const [index, { verdict }] of (await judge(some)).entries()) {
        counts[verdict]++;
        if (verdict === "disagree") counterexample ??= some[index];
      }
    }
    console.info(`random stacks, seed ${seed}: ${JSON.stringify(counts)}`);
    if (counterexample !== undefined) throw new Error(await explain(counterexample));
    // The classes are bounded: were most stacks refused, little would be tested.
    expect(counts.equal).toBeGreaterThan(stackCount * 0.5);
    expect(counts["ours alone"]).toBeLessThan(stackCount * 0.15);
  });

  /** What both make of stacks. */
  async function judge(stacks: readonly RandomStack[]) {
    const since = BigInt(Date.now()) * 1_000_000n;
    const rendered = stacks.map(renderStack);
    const outcomes = await bench.unpackWithUmoci(
      rendered.map((layers) => layers.map((bytes) => ({ bytes }))),
    );
    const results = outcomes.map((reference, index) => {
      const ours = attempt(bench, rendered[index] ?? []);
      const found = compareOutcomes(ours, reference, since, stacks[index] ?? []);
      rmSync(dirname(ours.tree), { recursive: true });
      return found;
    });
    const [tree = ""] = outcomes.map((outcome) => dirname(dirname(dirname(outcome.tree))));
    rmSync(tree, { recursive: true, force: true });
    return results;
  }

  /** The smallest stack that disagrees as this one does, and how. */
  async function explain(found: RandomStack): Promise<string> {
    let stack = found;
    for (;;) {
      const smaller = reductions(stack);
      const verdicts = await judge(smaller);
      const next = smaller.find((_, index) => verdicts[index]?.verdict === "disagree");
      if (next === undefined) break;
      stack = next;
    }
    const [result] = await judge([stack]);
    return `${showStack(stack)}\n${result?.difference}\n(seed ${seed})`;
  }
});

function compareOutcomes(
  ours: Attempt,
  reference: Outcome,
  since: bigint,
  stack: RandomStack,
): { readonly verdict: Verdict; readonly difference: string } {
  if (!Bun.deepEquals(ours.untouched.after, ours.untouched.before)) {
    return { verdict: "disagree", difference: "something beside the tree changed" };
  }
  const said = `ours: ${ours.said}\nreference: ${reference.said}`;
  if (!ours.isAccepted) {
    return { verdict: reference.isAccepted ? "disagree" : "both refuse", difference: said };
  }
  if (!reference.isAccepted) {
    const verdict = isKnown(reference.said, stack) ? "ours alone" : "disagree";
    return { verdict, difference: said };
  }
  const trees = compareTrees(ours.tree, reference.tree, since);
  const missing = trees.reference.filter((line) => !trees.ours.includes(line));
  const extra = trees.ours.filter((line) => !trees.reference.includes(line));
  if (missing.length === 0 && extra.length === 0) return { verdict: "equal", difference: "" };
  return {
    verdict: "disagree",
    difference: [...extra.map((l) => `ours: ${l}`), ...missing.map((l) => `reference: ${l}`)].join(
      "\n",
    ),
  };
}

/** Stacks with a layer or an entry less. */
function reductions(stack: RandomStack): RandomStack[] {
  const without = <T>(items: readonly T[], index: number) => items.toSpliced(index, 1);
  return [
    ...stack.map((_, index) => without(stack, index)),
    ...stack.flatMap((entries, index) =>
      entries.map((_, entry) => stack.with(index, without(entries, entry))),
    ),
  ];
}
