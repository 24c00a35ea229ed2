import { expect, test } from "bun:test";
import {
  parseSystemdBoolean,
  parseTimeSpan,
  splitSystemdWords,
} from "../../lib/podman/systemd_words.ts";

test.each([
  ["a  b", ["a", "b"]],
  [`"a b" 'c d'`, ["a b", "c d"]],
  [`A="x y" B='z'`, ["A=x y", "B=z"]],
  [`""`, [""]],
  [String.raw`a\sb \x41\102\u00e9 \"q\" \q`, ["a b", "ABé", '"q"', "\\q"]],
  [String.raw`"a\nb"`, ["a\nb"]],
] as const)("splitSystemdWords() splits %s", (value, words) => {
  expect(splitSystemdWords(value)).toEqual([...words]);
});

test("splitSystemdWords() refuses an open quote", () => {
  expect(() => splitSystemdWords('a "b')).toThrow('a quote (") is not closed');
});

test.each([
  ["90", 90],
  ["1min 30s", 90],
  ["1min30", 90],
  ["2h", 7200],
  ["500ms", 0.5],
  ["infinity", undefined],
] as const)("parseTimeSpan() reads %s", (text, seconds) => {
  expect(parseTimeSpan(text)).toBe(seconds);
});

test.each(["", "x", "5 parsecs", "-1"])("parseTimeSpan() refuses %j", (text) => {
  expect(() => parseTimeSpan(text)).toThrow("it is none");
});

test("parseSystemdBoolean() reads systemd's words", () => {
  expect(["yes", "TRUE", "1", "on", "no", "off", "0"].map(parseSystemdBoolean)).toEqual([
    ...[true, true, true, true],
    ...[false, false, false],
  ]);
  expect(() => parseSystemdBoolean("maybe")).toThrow("it is neither yes nor no");
});
