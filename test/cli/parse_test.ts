import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseArguments } from "../../lib/cli/parse.ts";
import { defineVerb } from "../../lib/cli/verb.ts";
import { MbctlError, usageError } from "../../lib/errors.ts";

const verb = defineVerb({
  name: "try it",
  summary: "try the grammar",
  reads: true,
  changes: true,
  operands: {
    first: { kind: "text", help: "x" },
    second: { kind: "choice", choices: ["a", "b"], optional: true, help: "x" },
    more: {
      kind: "text",
      optional: true,
      repeat: true,
      help: "x",
      parse(text: string) {
        if (text === "") throw usageError('Cannot parse more "": it is empty');
        return { text };
      },
    },
  },
  flags: {
    lines: {
      type: "integer",
      short: "n",
      value: "N",
      min: -5,
      max: 100,
      help: "x",
    },
    size: { type: "integer", value: "N", default: 7, help: "x" },
    env: { type: "string", short: "e", value: "K=V", repeat: true, help: "x" },
    into: { type: "string", value: "DIR", help: "x" },
    follow: { type: "boolean", short: "f", help: "x" },
    tlsVerify: { type: "boolean", tristate: true, help: "x" },
    color: {
      type: "choice",
      choices: ["red", "green"],
      default: "red",
      help: "x",
    },
  },
  examples: [],
  run: () => undefined,
});

const withTail = defineVerb({
  name: "shell",
  summary: "x",
  operands: { name: { kind: "machine", help: "x" } },
  flags: { networkOnly: { type: "boolean", help: "x" } },
  tail: { command: { help: "x" } },
  examples: [],
  run: () => undefined,
});

const nothing = {
  first: "x",
  second: undefined,
  more: [],
  lines: undefined,
  size: 7,
  env: [],
  into: undefined,
  follow: false,
  tlsVerify: undefined,
  color: "red",
};

describe("parseArguments()", () => {
  const good: [string[], Record<string, unknown>][] = [
    [["x"], {}],
    [["x", "b"], { second: "b" }],
    [["x", "b", "c", "d"], { second: "b", more: [{ text: "c" }, { text: "d" }] }],
    [["-"], { first: "-" }],
    [["--", "-x"], { first: "-x" }],
    [["--", "x", "b", "--"], { second: "b", more: [{ text: "--" }] }],
    [["x", "--lines", "5"], { lines: 5 }],
    [["--lines=5", "x"], { lines: 5 }],
    [["x", "-n", "5"], { lines: 5 }],
    [["x", "-n5"], { lines: 5 }],
    [["x", "-n=5"], { lines: 5 }],
    [["x", "-n-5"], { lines: -5 }],
    [["x", "--lines=-5"], { lines: -5 }],
    [["x", "--lines", "0"], { lines: 0 }],
    [["x", "-fn5"], { follow: true, lines: 5 }],
    [["x", "-fvy"], { follow: true }],
    [["x", "-ff"], { follow: true }],
    [["x", "--follow=false"], {}],
    [["x", "--tls-verify"], { tlsVerify: true }],
    [["x", "--tls-verify=false"], { tlsVerify: false }],
    [["x", "--tls-verify=true"], { tlsVerify: true }],
    [["x", "--env", "A=1", "-eB=2", "--env=C=a=b", "-e", ""], { env: ["A=1", "B=2", "C=a=b", ""] }],
    [["x", "--into", ""], { into: "" }],
    [["x", "--into="], { into: "" }],
    [["x", "--into", "-"], { into: "-" }],
    [["x", "--into=--lines"], { into: "--lines" }],
    [["x", "--color", "green"], { color: "green" }],
  ];
  test.each(good)("%j", (words, expected) => {
    expect(parseArguments(verb, words).own).toEqual({
      ...nothing,
      ...expected,
    });
  });

  const bad: [string[], string, string?][] = [
    [[], 'Cannot run "mbctl try it": FIRST is missing', "mbctl try it --help"],
    [["x", "c"], 'Cannot read SECOND "c": it is none of a, b'],
    [["x", "b", ""], 'Cannot parse more "": it is empty'],
    [["x", "--lines"], 'Cannot read flag "--lines": it needs a value', "mbctl try it --help"],
    [
      ["x", "--lines", "-f"],
      'Cannot read flag "--lines": it needs a value',
      'if the value is "-f", write --lines=-f',
    ],
    [
      ["x", "-n", "-5"],
      'Cannot read flag "-n": it needs a value',
      'if the value is "-5", write -n-5',
    ],
    [["x", "-n", "--"], 'Cannot read flag "-n": it needs a value'],
    [["x", "-n", "012"], 'Cannot read --lines "012": it is no decimal integer'],
    [["x", "-n=-0"], 'Cannot read --lines "-0": it is no decimal integer'],
    [["x", "-n", "+1"], 'Cannot read --lines "+1": it is no decimal integer'],
    [["x", "-n", "0x1"], 'Cannot read --lines "0x1": it is no decimal integer'],
    [["x", "-n", "1e3"], 'Cannot read --lines "1e3": it is no decimal integer'],
    [["x", "-n", "1.5"], 'Cannot read --lines "1.5": it is no decimal integer'],
    [["x", "-n", " 1"], 'Cannot read --lines " 1": it is no decimal integer'],
    [["x", "-n", ""], 'Cannot read --lines "": it is no decimal integer'],
    [
      ["x", "-n", "99999999999999999999"],
      'Cannot read --lines "99999999999999999999": it is no decimal integer',
    ],
    [["x", "-n", "101"], 'Cannot read --lines "101": the most is 100'],
    [["x", "-n-6"], 'Cannot read --lines "-6": the least is -5'],
    [["x", "-n1", "--lines=1"], 'Cannot read flag "--lines": it is given 2 times'],
    [["x", "--into", "a", "--into", "b"], 'Cannot read flag "--into": it is given 2 times'],
    [
      ["x", "--color", "gren"],
      'Cannot read --color "gren": it is none of red, green',
      'did you mean "green"?',
    ],
    [
      ["x", "--colour", "red"],
      'Cannot read flag "--colour": try it has no such flag',
      'did you mean "--color"?',
    ],
    [
      ["x", "--lin", "5"],
      'Cannot read flag "--lin": try it has no such flag',
      'did you mean "--lines"?',
    ],
    [
      ["x", "-follow"],
      'Cannot read flag "-o": try it has no such flag',
      'did you mean "--follow"?',
    ],
    [["x", "-z"], 'Cannot read flag "-z": try it has no such flag', "mbctl try it --help"],
    [
      ["x", "--no-follow"],
      'Cannot read flag "--no-follow": try it has no such flag',
      'did you mean "--follow"?',
    ],
    [["x", "--follow=yes"], 'Cannot read --follow "yes": it is neither true nor false'],
    [
      ["x", "--follow", "--follow=false"],
      'Cannot read flag "--follow": it is given as true and as false',
    ],
    [["x", "---"], 'Cannot read flag "---": try it has no such flag'],
    [["x", "--=1"], 'Cannot read flag "--": try it has no such flag'],
    [["x", "--__proto__=1"], 'Cannot read flag "--__proto__": try it has no such flag'],
    [["x", "--constructor"], 'Cannot read flag "--constructor": try it has no such flag'],
  ];
  test.each(bad.map(([words, message, hint]) => ({ words, message, hint })))(
    "$words is an error",
    ({ words, message, hint }) => {
      const error = thrownBy(() => parseArguments(verb, words));
      expect(error).toMatchObject({ kind: "usage", message });
      if (hint !== undefined) expect(error.hint).toBe(hint);
    },
  );

  test("keeps the flags that every verb has apart from its own", () => {
    const words = ["x", "-v", "--json", "--dry-run", "--yes", "-q", "--root", "/r"];
    expect(parseArguments(verb, words).shared).toEqual({
      json: true,
      dryRun: true,
      yes: true,
      quiet: true,
      verbose: true,
      root: "/r",
      help: false,
    });
  });

  test.each([
    ["--json"],
    ["--dry-run"],
    ["--yes"],
    ["-y"],
    ["--quiet"],
    ["-q"],
    ["--progress=json"],
  ])("knows no %s where the verb neither reads nor changes nor takes long", (flag) => {
    expect(() => parseArguments(withTail, ["web", flag])).toThrow("has no such flag");
  });

  test("says what stands behind --, where a word for another program was not", () => {
    expect(() => parseArguments(withTail, ["web", "-z"])).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("; behind -- stand ") }),
    );
  });

  test("gives --progress and --quiet to verbs that take long", () => {
    const slow = { ...withTail, progress: true };
    const flags = (words: string[]) => parseArguments(slow, ["web", ...words]).shared;
    expect(flags([])).toMatchObject({ progress: "auto", quiet: false });
    expect(flags(["-q", "--progress", "json"])).toMatchObject({ progress: "json", quiet: true });
    expect(() => flags(["--progress", "fancy"])).toThrow("none of auto, plain, json");
  });

  test.each([[["-h"]], [["--help"]], [["x", "--nonsense", "-h"]], [["-vh"]], [["--lines", "-h"]]])(
    "asks for nothing where help is wanted: %j",
    (words) => {
      expect(parseArguments(verb, words).shared).toEqual({ help: true });
    },
  );

  const tails: [string[], Record<string, unknown>][] = [
    [["web"], { networkOnly: false, command: [] }],
    [["web", "--"], { networkOnly: false, command: [] }],
    [
      ["web", "--", "ls", "-l", "--", "--help", "-v"],
      { networkOnly: false, command: ["ls", "-l", "--", "--help", "-v"] },
    ],
    [["--network-only", "web", "--", ""], { networkOnly: true, command: [""] }],
  ];
  test.each(tails)("passes on what follows --: %j", (words, expected) => {
    expect(parseArguments(withTail, words).own).toEqual({
      name: "web",
      ...expected,
    });
  });

  test("says where a command goes", () => {
    const error = thrownBy(() => parseArguments(withTail, ["web", "ls"]));
    expect(error.message).toBe('Cannot run "mbctl shell": "ls" is one word too many');
    expect(error.hint).toBe("put the command after --: mbctl shell web -- ls");
  });

  test("gives back every command line as it is", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (command) => {
        expect(parseArguments(withTail, ["web", "--", ...command]).own.command).toEqual(command);
      }),
    );
  });

  test("reads every value joined with = as it is, and every integer in its range", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: -5, max: 100 }), (into, lines) => {
        const { own } = parseArguments(verb, ["x", `--into=${into}`, `--lines=${lines}`]);
        expect([own.into, own.lines]).toEqual([into, lines]);
      }),
    );
  });

  test("ends with arguments or an MbctlError, whatever the words", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("--", "-", "-n", "--lines", "-f", "--env", "-h", "--json", "x"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          parseArguments(verb, words);
        } catch (error) {
          expect(error).toBeInstanceOf(MbctlError);
        }
      }),
    );
  });
});

function thrownBy(run: () => unknown): MbctlError {
  try {
    run();
  } catch (error) {
    if (error instanceof MbctlError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
