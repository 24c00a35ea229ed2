import { describe, expect, test } from "bun:test";
import { healthFacts, parseHealthReport, plainOutput } from "../../lib/health/health_report.ts";

const text = "STATE=unhealthy\nSTREAK=3\nEXIT=1\nSINCE=1795353624\nMAIN=1032\n";
const report = {
  state: "unhealthy",
  failingStreak: 3,
  exitCode: 1,
  sinceMs: 1_795_353_624_000,
  mainPid: 1032,
  output: "",
} as const;

describe("parseHealthReport()", () => {
  test("reads what check_health.sh keeps", () => {
    expect(parseHealthReport(text)).toEqual(report);
  });

  test("before the first answer there is no exit code", () => {
    const found = parseHealthReport(text.replace("EXIT=1", "EXIT="));
    expect(found).toEqual({ ...report, exitCode: undefined });
  });

  test.each([
    "",
    "STATE=well\nMAIN=1\nSINCE=1\n",
    "STATE=healthy\nMAIN=1\n",
    "STATE=healthy\nSINCE=1\nMAIN=x\n",
  ])("%p is no report", (bad) => {
    expect(parseHealthReport(bad)).toBeUndefined();
  });
});

describe("healthFacts()", () => {
  test("tells state, failures, last answer, and the first line of the output", () => {
    const asked = { ...report, askedMs: 1_795_353_700_500, output: "no\nmore" };
    expect(healthFacts(asked)).toEqual([
      ["health", "unhealthy since 2026-11-22T13:20:24Z, 3 failures in a row"],
      ["health asked", "2026-11-22T13:21:40Z, exit code 1"],
      ["health says", "no"],
    ]);
  });

  test("a line that no table has room for is cut", () => {
    const [fact] = healthFacts({ ...report, output: "x".repeat(500) }).slice(-1);
    expect(fact).toEqual(["health says", `${"x".repeat(119)}…`]);
  });

  test("nothing where nothing is known", () => {
    expect(healthFacts(undefined)).toEqual([]);
  });
});

test.each([
  ["plain\ttext\n", "plain\ttext"],
  ["a\r\nb\rc", "a\nb\nc"],
  ["\u001b[31mred\u001b]0;title\u0007\u009b1m\u0000", "[31mred]0;title1m"],
  ["\u202eevil\u2066\u2028", "evil"],
])("plainOutput() of %p moves no cursor", (bytes, plain) => {
  expect(plainOutput(new TextEncoder().encode(bytes))).toBe(plain);
});
