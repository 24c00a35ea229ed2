import { describe, expect, test } from "bun:test";
import { renderColumns, row, spreadOf } from "./medians.ts";

describe("spreadOf()", () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3, count: 1 }],
    [[9, 1, 5], { median: 5, min: 1, max: 9, count: 3 }],
    [[10, 9, 1, 5], { median: 7, min: 1, max: 10, count: 4 }],
  ])("of %j is %j", (values, spread) => expect(spreadOf(values)).toEqual(spread));

  test("refuses nothing", () => expect(() => spreadOf([])).toThrow(RangeError));
});

test("renderColumns() aligns what row() makes", () => {
  const rows = [["what", "ms"], row("a program", spreadOf([99.96, 99.96])).slice(0, 2)];
  expect(renderColumns(rows)).toBe(
    "what         ms\na program  100.0\n".replace("what         ms", "what          ms"),
  );
});
