import { describe, expect, test } from "bun:test";
import { CallError, failedAnswer } from "../../lib/calls/call_error.ts";
import { parseAnswer, parseControl, parseRequest, wordLimit } from "../../lib/calls/request.ts";
import { usageError } from "../../lib/errors.ts";

function refusal(action: () => unknown): readonly [exitCode: number, message: string] {
  try {
    action();
  } catch (error) {
    if (error instanceof CallError) return [error.exitCode, error.message];
    throw error;
  }
  throw new Error("it was not refused");
}

describe("parseRequest()", () => {
  test("gives the words as they are", () => {
    const argv = ["psql", "", "-c", "select 'ä'\n", "😀", "--"];
    expect(parseRequest({ argv })).toEqual(argv as [string]);
  });

  test.each([
    [undefined, 125, "Cannot read the request: it is no JSON object"],
    [[], 125, "Cannot read the request: it is no JSON object"],
    [{}, 125, "Cannot read the request: argv is no list of strings"],
    [{ argv: "psql" }, 125, "Cannot read the request: argv is no list of strings"],
    [{ argv: ["psql", 1] }, 125, "Cannot read the request: argv is no list of strings"],
    [{ argv: [] }, 125, "Cannot read the request: argv names no command"],
    [{ argv: [""] }, 125, "Cannot read the request: argv names no command"],
    [{ argv: ["a"], env: {} }, 125, 'Cannot read the request: there is no "env" in it'],
    [{ argv: ["a"], cwd: "/" }, 125, 'Cannot read the request: there is no "cwd" in it'],
    [{ argv: ["a", "b\0c"] }, 126, "Cannot run the command with its word 1: it holds a NUL"],
    [
      { argv: ["a", "\ud800"] },
      126,
      "Cannot run the command with its word 1: it is no Unicode text",
    ],
    [
      { argv: ["a", "ä".repeat(65_536)] },
      126,
      "Cannot run the command with its word 1: it has 131072 bytes or more",
    ],
    [
      { argv: Array.from({ length: wordLimit + 1 }, () => "a") },
      126,
      "Cannot run a command of 16385 words: the limit is 16384",
    ],
  ])("refuses %#", (value, exitCode, message) => {
    expect(refusal(() => parseRequest(value))).toEqual([exitCode, message]);
  });
});

describe("parseControl()", () => {
  test.each([
    [{ signal: "SIGINT" }, { kind: "signal", signal: "SIGINT" }],
    [
      { rows: 0, columns: 65_535 },
      { kind: "size", size: { rows: 0, columns: 65_535 } },
    ],
  ] as const)("reads %j", (value, control) => {
    expect(parseControl(value)).toEqual(control);
  });

  test.each([
    [{ signal: "SIGKILL" }, 'Cannot pass on the signal "SIGKILL"'],
    [{ signal: 9 }, "Cannot pass on the signal 9"],
    [{ signal: "SIGINT", rows: 1 }, 'Cannot read a control frame: there is no "rows" in it'],
    [{ argv: ["a"] }, 'Cannot read a control frame: there is no "argv" in it'],
    [{ rows: 1 }, "Cannot read a control frame: rows and columns are no numbers below 65536"],
    [
      { rows: 1, columns: 65_536 },
      "Cannot read a control frame: rows and columns are no numbers below 65536",
    ],
    [
      { rows: -1, columns: 1.5 },
      "Cannot read a control frame: rows and columns are no numbers below 65536",
    ],
    [null, "Cannot read a control frame: it is no JSON object"],
  ])("refuses %j", (value, message) => {
    expect(refusal(() => parseControl(value))).toEqual([125, message]);
  });
});

describe("parseAnswer()", () => {
  test.each([
    [{ terminal: true }, { kind: "terminal" }],
    [{ exit_code: 0 }, { kind: "end", exitCode: 0, error: undefined }],
    [failedAnswer(new CallError(127, "no"), 126), { kind: "end", exitCode: 127, error: "no" }],
    [
      failedAnswer(usageError("no", "yes"), 126),
      { kind: "end", exitCode: 126, error: "no\nhint: yes" },
    ],
    [failedAnswer(new Error("x".repeat(9999)), 125), { exitCode: 125, error: "x".repeat(4000) }],
  ] as const)("reads %#", (value, answer) => {
    expect(parseAnswer(value)).toMatchObject(answer);
  });

  test.each([
    {},
    { exit_code: 256 },
    { exit_code: -1 },
    { exit_code: "0" },
    { exit_code: 1, error: 1 },
    { terminal: false },
    { terminal: "yes" },
  ])("refuses %j", (value) => {
    expect(refusal(() => parseAnswer(value))[1]).toBe(
      "Cannot read the answer: it has no exit code",
    );
  });
});
