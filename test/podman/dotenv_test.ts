import { expect, test } from "bun:test";
import { parseDotenv, readVariables } from "../../lib/podman/dotenv.ts";

test("parseDotenv() reads what compose reads", () => {
  const text = [
    "# a comment",
    "",
    "PLAIN=a b  ",
    "COMMENTED=a # b",
    "HASH=a#b",
    "EMPTY=",
    "export EXPORTED=yes",
    "SPACED = x",
    "COLON: y",
    `SINGLE='$A # "x" \\n'`,
    'DOUBLE="a\\tb\\n\\"c\\"" # note',
    'LINES="one',
    'two"',
    "FROM_CALLER",
    String.raw`ESCAPED='it\'s \n'`,
    String.raw`DOLLAR="\$A"`,
    "DOS=x\r",
  ].join("\n");
  expect(
    parseDotenv(text, "x").map(({ name, value, isLiteral }) => [name, value, isLiteral]),
  ).toEqual([
    ["PLAIN", "a b", false],
    ["COMMENTED", "a", false],
    ["HASH", "a#b", false],
    ["EMPTY", "", false],
    ["EXPORTED", "yes", false],
    ["SPACED", "x", false],
    ["COLON", "y", false],
    ["SINGLE", '$A # "x" \\n', true],
    ["DOUBLE", 'a\tb\n"c"', false],
    ["LINES", "one\ntwo", false],
    ["FROM_CALLER", undefined, false],
    ["ESCAPED", "it's \\n", true],
    ["DOLLAR", "$$A", false],
    ["DOS", "x", false],
  ]);
});

test.each([
  ["A=1\n=x", 'Cannot read "x.env", line 2: it is no variable'],
  ["A B", 'Cannot read "x.env", line 1: it is no variable'],
  ["A='x'y", 'Cannot read "x.env", line 1: something follows the closing quote'],
  ["A='x\nB=y", 'Cannot read "x.env", line 1: a quote is not closed'],
  ['A=1\nB="x', 'Cannot read "x.env", line 2: a quote is not closed'],
])("parseDotenv() refuses %j", (text, message) => {
  expect(() => parseDotenv(text, "x.env")).toThrow(message);
});

test("readVariables() lets later ones use and replace earlier ones", () => {
  const files = [
    { name: "a", text: "A=1\nB=${A}2\nC='$A'\n" },
    { name: "b", text: "A=3\nD=$A\n" },
  ];
  expect(Object.fromEntries(readVariables(files))).toEqual({ A: "3", B: "12", C: "$A", D: "3" });
});

test.each([
  ["A\n", "A has no value"],
  ["PW=pa$word\n", "word has no value"],
  ["PW=a$1\n", "PW: Cannot put variables in: a dollar stands alone"],
])("readVariables() refuses %j, and says no value", (text, state) => {
  expect(() => readVariables([{ name: "a", text }])).toThrow(`Cannot read "a": ${state}`);
});

test("readVariables() refuses a variable without a value", () => {
  expect(() => readVariables([{ name: "a", text: "A\n" }])).toThrow(
    'Cannot read "a": A has no value',
  );
});
