import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { parseSignal, signalNumber } from "../lib/signal.ts";

const ROWS: readonly (readonly [text: string, name: string, number: number])[] = [
  ["SIGTERM", "SIGTERM", 15],
  ["TERM", "SIGTERM", 15],
  ["sigquit", "SIGQUIT", 3],
  ["3", "SIGQUIT", 3],
  ["03", "SIGQUIT", 3],
  [" SIGINT ", "SIGINT", 2],
  ["SIGWINCH", "SIGWINCH", 28],
  ["IOT", "SIGABRT", 6],
  ["SIGCLD", "SIGCHLD", 17],
  ["SIGPOLL", "SIGIO", 29],
  ["RTMIN", "SIGRTMIN", 34],
  ["SIGRTMIN+3", "SIGRTMIN+3", 37],
  ["37", "SIGRTMIN+3", 37],
  ["sigrtmax", "SIGRTMIN+30", 64],
  ["RTMAX-14", "SIGRTMIN+16", 50],
];

describe("parseSignal()", () => {
  test.each(ROWS)("reads %j as %s", (text, name, number) => {
    const signal = parseSignal(text);
    expect<string>(signal).toBe(name);
    expect(signalNumber(signal)).toBe(number);
  });

  test("knows every signal of this system by its number", () => {
    for (const [name, number] of Object.entries(constants.signals)) {
      // The names that only other systems have are undefined here.
      if (number !== undefined && name !== "SIGUNUSED")
        expect([name, signalNumber(parseSignal(name))]).toEqual([name, number]);
    }
  });

  test.each([
    "",
    "SIG",
    "0",
    "32",
    "33",
    "65",
    "-9",
    "9.0",
    "0x9",
    "SIGFOO",
    "SIGSIGTERM",
    "SIGRTMIN+31",
    "RTMIN-1",
    "RTMAX+1",
    "RTMAX-31",
    "TERM;id",
    "SIGRTMIN+",
  ])("refuses %j", (text) => {
    expect(() => parseSignal(text)).toThrow(
      `Cannot parse the signal ${JSON.stringify(text)}: no such signal`,
    );
  });
});
