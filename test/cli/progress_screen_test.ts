import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createScreen } from "../../lib/cli/progress_screen.ts";
import { trackTasks } from "../../lib/cli/progress_tasks.ts";
import { renderForTerminal } from "../../lib/cli/terminal.ts";
import { fakeClock } from "./fake_clock.ts";
import { TerminalGrid } from "./terminal_grid.ts";

/** A screen on a terminal of this size, whose writes are counted. */
function screenOf(columns: number, rows: number) {
  const grid = new TerminalGrid(columns, rows);
  const size = { columns, rows };
  let writes = 0;
  const sink = {
    isTerminal: true,
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    write(text: string) {
      writes++;
      grid.write(text);
    },
  };
  const screen = createScreen(sink, (text) => renderForTerminal(text, true));
  const clock = fakeClock();
  const tasks = trackTasks(screen, clock);
  return {
    ...{ screen, clock, tasks, grid },
    /** What the terminal shows, without the cursor's line. */
    shown: () => grid.lines.slice(0, grid.lines.findLastIndex((line) => line !== "") + 1),
    writes: () => writes,
    resize(newColumns: number, newRows: number) {
      Object.assign(size, { columns: newColumns, rows: newRows });
      grid.resize(newColumns, newRows);
    },
  };
}

describe("createScreen()", () => {
  test("draws a line for each thing, in place, ten times a second at most", () => {
    const { clock, tasks, shown, writes } = screenOf(80, 24);
    const one = tasks.start("one", 2_000_000);
    const two = tasks.start("two");
    expect(shown()).toEqual(["[....................] one      0 B of 2.0 MB"]);
    one.update(500_000);
    clock.wait(99);
    expect(writes()).toBe(1);
    clock.wait(1);
    expect(shown()).toEqual(["[#####...............] one   500 kB of 2.0 MB", "two  …"]);
    two.update(300);
    one.update(1_000_000);
    clock.wait(500);
    expect(shown()).toEqual([
      "[##########..........] one   1.0 MB of 2.0 MB   1.6 MB/s  1s",
      "two  300 B  561 B/s",
    ]);
    one.done();
    clock.wait(100);
    expect(shown()).toEqual(["done one: 1.0 MB", "two  300 B  459 B/s"]);
    two.failed("gone");
    clock.wait(100);
    expect(shown()).toEqual(["done one: 1.0 MB", "failed two: gone"]);
    expect(writes()).toBe(7);
  });

  test("writes nothing where nothing changed", () => {
    const { clock, tasks, writes } = screenOf(80, 24);
    tasks.start("one", 2_000_000);
    clock.wait(10_000);
    expect(writes()).toBe(1);
  });

  test("keeps what is finished and leaves nothing of what is not", () => {
    const { screen, clock, tasks, shown } = screenOf(80, 24);
    screen.write("before\n");
    tasks.start("one", 10).done();
    tasks.start("two", 10);
    clock.wait(100);
    screen.end();
    screen.end();
    screen.write("after\n");
    expect(shown()).toEqual(["before", "done one", "after"]);
  });

  test("prints talk above what is at work, and below what is finished", () => {
    const { screen, clock, tasks, shown } = screenOf(80, 24);
    const one = tasks.start("one");
    tasks.start("two").done();
    screen.write("talk\nof two lines\n");
    expect(shown()).toEqual(["talk", "of two lines", "one  …", "done two"]);
    one.done();
    screen.write("later\n");
    clock.wait(200);
    expect(shown()).toEqual(["talk", "of two lines", "done one", "done two", "later"]);
  });

  test("makes way for an answer, and for a question as long as it stands", () => {
    const { screen, clock, tasks, grid, shown } = screenOf(80, 24);
    const one = tasks.start("one");
    screen.clear();
    grid.write("answer\n");
    clock.wait(100);
    expect(shown()).toEqual(["answer", "one  …"]);
    screen.pause();
    grid.write("really? ");
    clock.wait(1000);
    screen.write("talk\n");
    expect(shown()).toEqual(["answer", "really? talk"]);
    screen.resume();
    clock.wait(100);
    one.note("waiting");
    clock.wait(100);
    expect(shown()).toEqual(["answer", "really? talk", "one  waiting"]);
    one.done();
    screen.clear();
    grid.write("last\n");
    screen.end();
    expect(shown()).toEqual(["answer", "really? talk", "done one", "last"]);
  });

  test("shows those at work and a sum where they do not fit", () => {
    const { screen, clock, tasks, grid, shown } = screenOf(80, 10);
    const layers = Array.from({ length: 127 }, (_, index) =>
      tasks.start(`layer ${index}`, 1_000_000, { kind: "layer" }),
    );
    clock.wait(100);
    expect(shown()).toEqual(["0 of 127 layers done"]);
    for (const layer of layers.slice(0, 101)) layer.update(1e6);
    for (const layer of layers.slice(0, 98)) layer.done();
    layers[98]?.failed("gone");
    clock.wait(100);
    expect(shown()).toEqual([
      "[####################] layer 99    1.0 MB of 1.0 MB",
      "[####################] layer 100   1.0 MB of 1.0 MB",
      "98 of 127 layers done, 1 failed",
    ]);
    const tree = tasks.start("unpacking", 0, { kind: "tree" });
    for (const layer of layers) layer.update(500_000);
    clock.wait(100);
    expect(shown()).toHaveLength(9);
    expect(shown().at(-1)).toBe("98 of 127 layers, 0 of 1 tree done, 1 failed, 21 more at work");
    expect(grid.screen.length).toBeLessThanOrEqual(10);
    for (const layer of layers) layer.done();
    tree.done();
    screen.end();
    expect(shown()).toEqual([
      "done 126 of 127 layers: 112 MB",
      "failed layer 98: gone",
      "done unpacking",
    ]);
  });

  test("does not flood the terminal with layers that come one after another", () => {
    const { screen, clock, tasks, shown } = screenOf(80, 24);
    for (let index = 0; index < 127; index++) {
      const task = tasks.start(`layer ${index}`, 10, { kind: "layer" });
      clock.wait(150);
      task.update(10);
      task.done();
      clock.wait(150);
    }
    screen.write("talk\n");
    screen.end();
    expect(shown()).toEqual(["done 127 layers: 1.3 kB", "talk"]);
  });

  test("is right again after the terminal was made smaller, and larger", () => {
    const { screen, clock, tasks, shown, resize } = screenOf(60, 24);
    screen.write("a line of talk that is rather long\n");
    const one = tasks.start("the first of all layers", 1000);
    tasks.start("two");
    clock.wait(100);
    expect(shown()[1]).toBe("the first of all layers      0 B of 1.0 kB");
    resize(24, 8);
    clock.wait(100);
    expect(shown()).toEqual([
      "a line of talk that is rather long",
      "the first of all layers",
      "two  …",
    ]);
    resize(90, 30);
    one.update(500);
    clock.wait(100);
    expect(shown()).toEqual([
      "a line of talk that is rather long",
      "[##########..........] the first of all layers    500 B of 1.0 kB",
      "two  …",
    ]);
    one.done();
    screen.end();
    expect(shown()).toEqual([
      "a line of talk that is rather long",
      "done the first of all layers: 500 B",
    ]);
  });

  test("lets no label steer the terminal", () => {
    const { screen, clock, tasks, shown } = screenOf(80, 24);
    const task = tasks.start("a\x1b[2J\nb\ufdd3\u202e", 10);
    task.note("\x9bA\r");
    clock.wait(100);
    expect(shown()).toEqual([
      "[....................] a\\x1b[2J\\nb\\u202e      0 B of 10 B  \\x9bA\\x0d",
    ]);
    task.failed("\x1b]0;x\x07");
    screen.end();
    expect(shown()).toEqual(["failed a\\x1b[2J\\nb\\u202e: \\x1b]0;x\\x07"]);
  });

  test("leaves all talk, in order, and one block, whatever happens", () => {
    const event = fc.oneof(
      fc.record({
        kind: fc.constant("start" as const),
        bytes: fc.nat(5),
        width: fc.integer({ min: 1, max: 60 }),
      }),
      fc.record({ kind: fc.constantFrom("update", "done", "failed", "note"), at: fc.nat(9) }),
      fc.record({ kind: fc.constant("talk" as const), width: fc.nat(70) }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(300) }),
      fc.record({ kind: fc.constant("resize" as const), columns: fc.integer({ min: 8, max: 70 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        // What wrapped beyond the top of the screen is out of reach.
        const rows = events.some((each) => each.kind === "resize") ? 400 : 12;
        const { screen, clock, tasks, grid, shown, resize } = screenOf(40, rows);
        const started: ReturnType<typeof tasks.start>[] = [];
        const talk: string[] = [];
        for (const each of events) {
          if (each.kind === "start") started.push(tasks.start("x".repeat(each.width), each.bytes));
          else if (each.kind === "wait") clock.wait(each.ms);
          else if (each.kind === "resize") resize(each.columns, rows);
          else if (each.kind === "talk") {
            talk.push(`talk ${talk.length} ${"y".repeat(each.width)}`.trimEnd());
            screen.write(`${talk.at(-1)}\n`);
          } else {
            const task = started[each.at];
            if (each.kind === "update") task?.update(each.at);
            else if (each.kind === "done") task?.done();
            else if (each.kind === "failed") task?.failed();
            else task?.note("note");
          }
          expect(grid.screen.length).toBeLessThanOrEqual(rows);
        }
        screen.end();
        const rest = shown().filter((line) => !/^(?:done|failed) /.test(line));
        expect(rest).toEqual(talk);
      }),
      { numRuns: 500 },
    );
  });
});
