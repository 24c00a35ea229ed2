import { describe, expect, test } from "bun:test";
import { createScreen, formatBytes } from "../../lib/cli/progress.ts";
import { withoutStyles } from "../../lib/cli/terminal.ts";

function screenWith(isLive: boolean, columns = 60) {
  let text = "";
  let nowMs = 0;
  const write = (piece: string) => {
    text += withoutStyles(piece);
  };
  const screen = createScreen({ isTerminal: isLive, columns, write }, isLive, () => nowMs);
  return {
    screen,
    wait(ms: number) {
      nowMs += ms;
    },
    /** What was written since the last call. */
    written() {
      const result = text.replaceAll("\x1b", "ESC");
      text = "";
      return result;
    },
  };
}

describe("createScreen() where nothing can be redrawn", () => {
  test("says one line for each thing that is finished", () => {
    const { screen, written } = screenWith(false);
    const one = screen.start("layer 1", 1000);
    const two = screen.start("layer\n2");
    one.update(500);
    screen.write("talk\n");
    one.done("1.0 kB");
    two.failed("gone");
    two.done();
    screen.clear();
    screen.end();
    expect(written()).toBe("talk\ndone layer 1: 1.0 kB\nfailed layer\\n2: gone\n");
  });
});

describe("createScreen() on a terminal", () => {
  test("draws a line for each thing, in place, ten times a second at most", () => {
    const { screen, wait, written } = screenWith(true);
    const one = screen.start("one", 2_000_000);
    expect(written()).toBe("[....................] one  0 B of 2.0 MB\n");
    const two = screen.start("two");
    expect(written()).toBe("ESC[1A\rESC[J[....................] one  0 B of 2.0 MB\ntwo  …\n");
    one.update(500_000);
    expect(written()).toBe("");
    wait(100);
    one.update(1_000_000);
    expect(written()).toBe("ESC[2A\rESC[J[##########..........] one  1.0 MB of 2.0 MB\ntwo  …\n");
    one.done();
    expect(written()).toBe("ESC[2A\rESC[Jdone one\ntwo  …\n");
    two.update(9);
    screen.end();
    expect(written()).toBe("ESC[1A\rESC[J");
  });

  test("prints talk above the lines", () => {
    const { screen, written } = screenWith(true);
    screen.start("one");
    written();
    screen.write("talk\n");
    expect(written()).toBe("ESC[1A\rESC[Jtalk\none  …\n");
  });

  test("cuts a line that the terminal would wrap", () => {
    const { screen, written } = screenWith(true, 12);
    screen.start("a long label of a layer");
    expect(written()).toBe("a long labe\n");
  });

  test("never says that more than all is done", () => {
    const { screen, wait, written } = screenWith(true);
    const task = screen.start("x", 10);
    written();
    wait(1000);
    task.update(20);
    expect(written()).toBe("ESC[1A\rESC[J[####################] x  20 B of 10 B\n");
  });
});

describe("formatBytes()", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [99_949, "99.9 kB"],
    [99_950, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [12_345_678, "12.3 MB"],
    [5e12, "5.0 TB"],
    [5e15, "5000 TB"],
  ])("%d is %s", (bytes, expected) => {
    expect(formatBytes(bytes)).toBe(expected);
  });
});
