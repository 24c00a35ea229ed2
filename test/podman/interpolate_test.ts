import { expect, test } from "bun:test";
import fc from "fast-check";
import { interpolate } from "../../lib/podman/interpolate.ts";

const variables = new Map([
  ["A", "a"],
  ["EMPTY", ""],
  ["B_2", "b"],
]);

const good: readonly (readonly [text: string, result: string, missing?: readonly string[]])[] = [
  ["", ""],
  ["plain", "plain"],
  ["$A", "a"],
  ["$A$B_2.", "ab."],
  ["${A}x", "ax"],
  ["$$A $$", "$A $"],
  ["${NONE}", "", ["NONE"]],
  ["$NONE-x", "-x", ["NONE"]],
  ["${NONE:-d}", "d"],
  ["${NONE-d}", "d"],
  ["${EMPTY:-d}", "d"],
  ["${EMPTY-d}", ""],
  ["${A:-d}", "a"],
  ["${NONE:-}", ""],
  ["${NONE:-${A}}", "a"],
  ["${NONE:-${ALSO:-x}y}z", "xyz"],
  ["${NONE:-http://h:1/}", "http://h:1/"],
  ["${A:+set}", "set"],
  ["${EMPTY:+set}", ""],
  ["${EMPTY+set}", "set"],
  ["${NONE:+set}", ""],
  ["${A:?needed}", "a"],
  ["${EMPTY?needed}", ""],
];

test.each(good)("interpolate() makes of %j %j", (text, result, missing = []) => {
  expect(interpolate(text, variables)).toEqual({ text: result, missing: [...missing] });
});

test.each([
  ["${NONE:?say why}", "NONE is demanded (say why)"],
  ["${EMPTY:?}", "EMPTY is demanded"],
  ["${A", "a brace is not closed"],
  ["$1", "a dollar stands alone"],
  ["a $ b", "a dollar stands alone"],
  ["${1}", "${1} is no variable"],
  ["${A/b/c}", "${A/b/c} is no variable"],
])("interpolate() refuses %j: %s", (text, state) => {
  expect(() => interpolate(text, variables)).toThrow(state);
});

test("doubled dollars keep any text as it is", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(interpolate(text.replaceAll("$", "$$$$"), variables).text).toBe(text);
    }),
  );
});
