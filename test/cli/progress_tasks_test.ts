import { describe, expect, test } from "bun:test";
import { silentProgress } from "../../lib/cli/progress.ts";
import {
  closingNote,
  secondsLeft,
  type TaskState,
  trackTasks,
} from "../../lib/cli/progress_tasks.ts";
import { fakeClock } from "./fake_clock.ts";

/** Tasks whose view writes down what it is told. */
function tracked() {
  const clock = fakeClock();
  const told: string[] = [];
  const tasks: TaskState[] = [];
  const progress = trackTasks(
    {
      started: (task) => {
        tasks.push(task);
        told.push(`start ${task.id} ${task.label}`);
      },
      look: (working, ms) => told.push(`${ms}: ${working.map((task) => task.doneBytes).join()}`),
      finished: (task, ms) => told.push(`${ms}: ${task.outcome} ${task.id}`),
    },
    clock,
  );
  return { clock, progress, tasks, told: () => told.splice(0) };
}

describe("trackTasks()", () => {
  test("looks at once, then ten times a second, and once more when all is over", () => {
    const { clock, progress, told } = tracked();
    const one = progress.start("one", 1000);
    const two = progress.start("two");
    expect(told()).toEqual(["start 1 one", "0: 0", "start 2 two"]);
    clock.wait(50);
    one.update(10);
    clock.wait(150);
    expect(told()).toEqual(["100: 10,0", "200: 10,0"]);
    one.done();
    two.failed();
    two.done();
    expect(told()).toEqual(["200: done 1", "200: failed 2"]);
    clock.wait(1000);
    expect([told(), clock.timers()]).toEqual([["300: "], 0]);
    progress.start("three");
    expect(told()).toEqual(["start 3 three", "1200: 0"]);
    expect(clock.timers()).toBe(1);
  });

  test("looks without a timer too, where updates are many", () => {
    const clock = { ...fakeClock(), every: () => () => {} };
    let nowMs = 0;
    const looks: number[] = [];
    const view = {
      started() {},
      finished() {},
      look: (_: unknown, ms: number) => void looks.push(ms),
    };
    const task = trackTasks(view, { ...clock, nowMs: () => nowMs }).start("x");
    for (; nowMs < 1000; nowMs++) task.update(nowMs);
    expect(looks).toEqual([0, 127, 255, 383, 511, 639, 767, 895]);
  });

  test("tells nothing after the end", () => {
    const { clock, progress, told } = tracked();
    const task = progress.start("one");
    told();
    progress.end();
    for (let bytes = 0; bytes < 1000; bytes++) task.update(bytes);
    clock.wait(1000);
    task.done();
    progress.start("two").done();
    expect([told(), clock.timers()]).toEqual([[], 0]);
  });

  test("keeps a finished task as it was", () => {
    const { progress, tasks } = tracked();
    const task = progress.start("one", 5);
    task.note("waiting");
    task.update(4);
    task.done();
    task.update(9);
    task.note("late");
    expect(tasks[0]).toMatchObject({ doneBytes: 4, note: undefined, outcome: "done" });
  });

  test("hides accounts in what it is given", () => {
    const { progress, tasks } = tracked();
    const task = progress.start("from https://me:secret@r.example/x and http://r/y@sha256:00");
    expect(tasks[0]?.label).toBe("from https://***@r.example/x and http://r/y@sha256:00");
    task.note("by socks5://a:b@c");
    expect(tasks[0]?.note).toBe("by socks5://***@c");
    task.failed("http://token@p: no");
    expect(tasks[0]?.note).toBe("http://***@p: no");
  });

  test("costs next to nothing for each update", () => {
    // A look would take microseconds; a million of them, seconds.
    const view = { started() {}, finished() {}, look() {} };
    const progress = trackTasks(view, { nowMs: () => performance.now(), every: () => () => {} });
    const task = progress.start("x", 1e6);
    const beginMs = performance.now();
    for (let bytes = 0; bytes < 1e6; bytes++) task.update(bytes);
    expect(performance.now() - beginMs).toBeLessThan(500);
  });
});

/** A task in the middle of its life. */
function taskWith(facts: Partial<TaskState>): TaskState {
  const rate = { look() {}, bytesPerSecond: () => undefined };
  return {
    ...{ id: 1, label: "x", kind: undefined, digest: undefined, totalBytes: undefined },
    ...{ startMs: 0, doneBytes: 0, note: undefined, outcome: "working", rate, ...facts },
  };
}

describe("secondsLeft()", () => {
  const state = (totalBytes: number | undefined, doneBytes: number, speed: number | undefined) =>
    taskWith({ totalBytes, doneBytes, rate: { look() {}, bytesPerSecond: () => speed } });
  test.each([
    [1000, 0, 100, 10],
    [1001, 0, 100, 11],
    [1000, 999, 100, 1],
    [1000, 1000, 100, undefined],
    [1000, 2000, 100, undefined],
    [1000, 0, undefined, undefined],
    [1000, 0, 0.5, undefined],
    [undefined, 10, 100, undefined],
    [1e12, 0, 1, undefined],
  ])("of %p with %p done at %p B/s is %p", (total, done, speed, expected) => {
    expect(secondsLeft(state(total, done, speed))).toBe(expected);
  });
});

describe("closingNote()", () => {
  test.each([
    ["done", 0, undefined, undefined],
    ["done", 1500, undefined, "1.5 kB"],
    ["done", 1500, "in the store already", "in the store already"],
    ["failed", 1500, undefined, undefined],
    ["failed", 1500, "gone", "gone"],
  ] as const)(
    "of a task %s with %d bytes and the note %p is %p",
    (outcome, doneBytes, note, says) => {
      expect(closingNote(taskWith({ outcome, doneBytes, note }))).toBe(says);
    },
  );
});

test("silentProgress takes everything", () => {
  const task = silentProgress.start("x", 1);
  task.update(1);
  task.note("x");
  task.done();
  task.failed();
});
