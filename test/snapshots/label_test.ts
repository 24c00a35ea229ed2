import { expect, test } from "bun:test";
import { freeLabel, isLabel, parseLabel } from "../../lib/snapshots/label.ts";

test.each(["a", "20261122T125348Z", "before-17", "v1.2_3", "x".repeat(64)])(
  "parseLabel() takes %p",
  (text) => {
    expect<string>(parseLabel(text)).toBe(text);
  },
);

test.each(["", ".", "..", ".mbctl-new", "-x", "a/b", "a b", "ä", "a\n", "x".repeat(65)])(
  "parseLabel() refuses %p",
  (text) => {
    expect(isLabel(text)).toBe(false);
    expect(() => parseLabel(text)).toThrow("as the label of a snapshot: letters, digits");
  },
);

test("freeLabel() is the time in UTC, and one that no snapshot has", () => {
  const nowMs = Date.UTC(2026, 10, 22, 12, 53, 48, 123);
  const time = "20261122T125348Z";
  expect<string>(freeLabel([], nowMs)).toBe(time);
  expect<string>(freeLabel([time], nowMs)).toBe(`${time}-2`);
  expect<string>(freeLabel([time, `${time}-2`], nowMs)).toBe(`${time}-3`);
  expect<string>(freeLabel([time], nowMs, "before-rollback")).toBe(`before-rollback-${time}`);
});
