/** Progress of a real process on a real pseudo-terminal. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { TerminalGrid } from "./terminal_grid.ts";

const PROGRAM = [process.execPath, join(import.meta.dir, "fixture_program.ts")];
const ENVIRONMENT = { PATH: "/usr/bin:/bin", TERM: "xterm", NO_COLOR: "1" };

/**
 * Runs a verb on a terminal of 100 columns; once "ready" is on it, `onReady` may
 * change its size or press keys.
 */
async function onTerminal(
  words: readonly string[],
  onReady: (resize: (columns: number) => void, press: (keys: string) => void) => void,
) {
  const grid = new TerminalGrid(100, 24);
  const decoder = new TextDecoder();
  const seen: string[][] = [];
  let shown = "";
  let isReady = false;
  // The terminal must be the controlling one, or the program hears nothing of its size.
  const child = Bun.spawn(["setsid", "--ctty", "--wait", ...PROGRAM, ...words], {
    env: ENVIRONMENT,
    terminal: {
      cols: 100,
      rows: 24,
      data(terminal, data) {
        const text = decoder.decode(data, { stream: true });
        shown += text;
        grid.write(text);
        seen.push(grid.lines);
        if (isReady || !/ready\r\n[\s\S]*already[^\n]*\n/.test(shown)) return;
        isReady = true;
        onReady(
          (columns) => {
            grid.resize(columns, 24);
            terminal.resize(columns, 24);
          },
          (keys) => terminal.write(keys),
        );
      },
    },
  });
  const exitCode = await child.exited;
  return {
    exitCode,
    lines: () => grid.lines.filter((line) => line !== ""),
    seen,
    shown: () => shown,
  };
}

/** Waits for what the terminal has still to hand over. */
async function until(isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + 5000;
  while (!isTrue() && performance.now() < endMs) await Bun.sleep(5);
}

describe("on a terminal", () => {
  test("progress is redrawn in place, at any width, and leaves what is finished", async () => {
    const { exitCode, lines, seen, shown } = await onTerminal(["fetch"], (resize) => resize(40));
    await until(() => lines().includes("the answer"));
    expect(exitCode).toBe(0);
    expect(lines()).toEqual([
      "ready",
      "warning: nearly there",
      "done a\\x1b[2J\\x07b xxxxxxxxxxxxxxxxxxxx: 500 kB",
      "done https://***@r.example/x xxxxxxxxxxxxxxxxxxxx",
      "done layer 3: in the store already",
      "the answer",
    ]);
    const block = (pattern: RegExp) => seen.some((all) => all.some((line) => pattern.test(line)));
    expect(block(/^\[\.+\] a\\x1b\[2J\\x07b x{20} +0 B of 1\.0 MB$/)).toBe(true);
    expect(block(/^a\\x1b\[2J\\x07b x{20}$/)).toBe(true);
    expect(shown()).not.toMatch(/secret/);
  });

  test("progress is off the screen when the program was stopped", async () => {
    const { exitCode, lines } = await onTerminal(["fetch"], (_, press) => press("\x03"));
    await until(() => lines().some((line) => line.startsWith("mbctl: Stopped")));
    expect(exitCode).toBe(130);
    expect(lines()).toEqual([
      "ready",
      "mbctl: stopping; a second Ctrl-C ends it at once",
      "done layer 3: in the store already",
      "mbctl: Stopped by SIGINT",
    ]);
  });
});
