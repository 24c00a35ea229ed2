import { expect, test } from "bun:test";
import { inParallel } from "../../lib/machine/in_parallel.ts";

test("inParallel() works on as many items as it may, keeps their order, and goes on after a failure", async () => {
  let running = 0;
  let most = 0;
  const ends: (() => void)[] = [];
  const work = async (item: number) => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => ends.push(resolve));
    running--;
    if (item === 2) throw new Error("two");
    return item * 10;
  };
  const all = inParallel([1, 2, 3, 4, 5], 3, work);
  for (let done = 0; done < 5; done++) {
    while (ends[done] === undefined) await Promise.resolve();
    ends[done]?.();
  }
  expect(await all).toEqual([
    ...[{ value: 10 }, { error: new Error("two") }, { value: 30 }],
    ...[{ value: 40 }, { value: 50 }],
  ]);
  expect(most).toBe(3);
});

test("inParallel() of nothing is nothing", async () => {
  expect(await inParallel([], 4, async (item) => item)).toEqual([]);
});
