import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createRate } from "../../lib/cli/rate.ts";

/** The speed after some looks, `[ms, bytes]`, in whole bytes a second. */
function speedAfter(looks: readonly (readonly [number, number])[], startBytes = 0) {
  const rate = createRate(0, startBytes);
  for (const [ms, bytes] of looks) rate.look(ms, bytes);
  const speed = rate.bytesPerSecond();
  return speed === undefined ? undefined : Math.round(speed);
}

/** `count` looks from a time on, `bytes` more at each. */
function steps(fromMs: number, fromBytes: number, count: number, bytes: number, everyMs = 100) {
  return Array.from(
    { length: count },
    (_, index) => [fromMs + (index + 1) * everyMs, fromBytes + (index + 1) * bytes] as const,
  );
}

describe("createRate()", () => {
  test.each([
    ["nothing seen", [], 0, undefined],
    ["too little seen", steps(0, 0, 4, 1000), 0, undefined],
    ["half a second seen", steps(0, 0, 5, 1000), 0, 10_000],
    ["an even pace", steps(0, 0, 600, 1000), 0, 10_000],
    ["what was there before", steps(0, 5e9, 5, 1000), 5e9, 10_000],
    ["a minute in a queue", [...steps(0, 0, 600, 0), ...steps(60_000, 0, 5, 1000)], 0, 10_000],
    ["nothing moves at all", steps(0, 0, 600, 0), 0, undefined],
    ["two looks at once", [...steps(0, 0, 5, 1000), [500, 9999]], 0, 10_000],
    ["it began anew", [...steps(0, 0, 50, 1000), [5100, 0]], 0, undefined],
    ["a while after that", [...steps(0, 0, 50, 9000), ...steps(5000, 0, 6, 1000)], 0, 10_000],
    [
      "a pause of three seconds",
      [...steps(0, 0, 50, 1000), ...steps(5000, 50_000, 30, 0)],
      0,
      3207,
    ],
    ["a pause of a minute", [...steps(0, 0, 50, 1000), ...steps(5000, 50_000, 600, 0)], 0, 0],
    [
      "ten times as fast for 3 s",
      [...steps(0, 0, 300, 1e3), ...steps(30_000, 3e5, 30, 1e4)],
      0,
      66_892,
    ],
  ] as const)("says what is right after: %s", (_, looks, startBytes, expected) => {
    expect(speedAfter(looks, startBytes)).toBe(expected);
  });

  /** Looks after gaps in time, each with so many bytes more than the one before. */
  function added(each: readonly (readonly [number, number])[]) {
    let [ms, bytes] = [0, 0];
    return each.map(([gap, more]) => {
      ms += gap;
      bytes += more;
      return [ms, bytes] as const;
    });
  }
  const gap = fc.integer({ min: 1, max: 2000 });

  test("does not care how the looks are spread where the pace is even", () => {
    fc.assert(
      fc.property(fc.array(gap, { minLength: 1, maxLength: 50 }), (gaps) => {
        const looks = added(gaps.map((each) => [each, each * 7]));
        expect(speedAfter(looks)).toBe((looks.at(-1)?.[0] ?? 0) < 500 ? undefined : 7000);
      }),
    );
  });

  test("stays between the slowest and the fastest that was seen", () => {
    const steps = fc.array(fc.tuple(gap, fc.nat(1e6)), { minLength: 3, maxLength: 50 });
    fc.assert(
      fc.property(steps, (each) => {
        const speed = speedAfter(added(each));
        if (speed === undefined) return;
        const speeds = each.map(([ms, bytes]) => (bytes / ms) * 1000);
        expect(speed).toBeGreaterThanOrEqual(Math.floor(Math.min(...speeds)));
        expect(speed).toBeLessThanOrEqual(Math.ceil(Math.max(...speeds)));
      }),
    );
  });
});
