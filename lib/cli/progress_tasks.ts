/**
 * The tasks that are under way, and the ten looks a second at them. A view is told
 * when one starts and ends, and is called for each look.
 *
 * @module
 */

import { type Progress, silentProgress, type Task, type TaskKind } from "./progress.ts";
import { formatBytes } from "./quantity.ts";
import { createRate, type Rate } from "./rate.ts";

/** Looks are no closer together than this, in milliseconds. */
const LOOK_MS = 100;
/** One call of `update` in so many looks at the clock, for work that never lets a timer run. */
const UPDATES_PER_LOOK = 64;
/** A time left beyond this says nothing. */
const MAX_SECONDS_LEFT = 100 * 3600;

/** Where the time comes from; tests bring their own. */
export interface Clock {
  nowMs(): number;
  /** Calls `tick` again and again, and keeps no process alive for it. Returns what ends that. */
  every(intervalMs: number, tick: () => void): () => void;
}

/** The clock of this process. */
export const processClock: Clock = {
  nowMs: () => performance.now(),
  every(intervalMs, tick) {
    const timer = setInterval(tick, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** A task as views see it. */
export interface TaskState {
  /** 1, 2, 3… in the order of their start. */
  readonly id: number;
  readonly label: string;
  readonly kind: TaskKind | undefined;
  readonly digest: string | undefined;
  readonly totalBytes: number | undefined;
  readonly startMs: number;
  doneBytes: number;
  note: string | undefined;
  outcome: "working" | "done" | "failed";
  readonly rate: Rate;
}

export interface TaskView {
  started(task: TaskState, nowMs: number): void;
  /** Ten times a second at most, as long as something is under way, and once after. */
  look(working: readonly TaskState[], nowMs: number): void;
  finished(task: TaskState, nowMs: number): void;
}

/** Progress whose tasks are shown by `view`; after `end` nothing more is. */
export function trackTasks(view: TaskView, clock: Clock): Progress & { end(): void } {
  const working: TaskState[] = [];
  let lastId = 0;
  let lookedMs = -Infinity;
  let updates = 0;
  let isEnded = false;
  let stop: (() => void) | undefined;

  const look = () => {
    const nowMs = clock.nowMs();
    if (nowMs - lookedMs < LOOK_MS) return;
    lookedMs = nowMs;
    for (const task of working) task.rate.look(nowMs, task.doneBytes);
    if (working.length === 0) rest();
    view.look(working, nowMs);
  };
  const rest = () => {
    stop?.();
    stop = undefined;
  };
  const finish = (task: TaskState, outcome: "done" | "failed", note: string | undefined) => {
    const index = working.indexOf(task);
    if (index < 0 || isEnded) return;
    working.splice(index, 1);
    task.outcome = outcome;
    task.note = note === undefined ? undefined : withoutAccounts(note);
    view.finished(task, clock.nowMs());
  };
  return {
    end() {
      isEnded = true;
      rest();
    },
    start(label, totalBytes = 0, { kind, digest, startBytes = 0 } = {}): Task {
      if (isEnded) return silentProgress.start(label);
      const nowMs = clock.nowMs();
      const task: TaskState = {
        id: ++lastId,
        label: withoutAccounts(label),
        kind,
        digest,
        totalBytes: totalBytes > 0 ? totalBytes : undefined,
        startMs: nowMs,
        doneBytes: startBytes,
        note: undefined,
        outcome: "working",
        rate: createRate(nowMs, startBytes),
      };
      working.push(task);
      view.started(task, nowMs);
      stop ??= clock.every(LOOK_MS, look);
      look();
      return {
        update(doneBytes) {
          if (task.outcome !== "working") return;
          task.doneBytes = doneBytes;
          if (++updates % UPDATES_PER_LOOK === 0 && !isEnded) look();
        },
        note(text) {
          if (task.outcome !== "working") return;
          task.note = text === undefined ? undefined : withoutAccounts(text);
        },
        done: (note) => finish(task, "done", note),
        failed: (note) => finish(task, "failed", note),
      };
    },
  };
}

/** Seconds until a task is finished; undefined where that is not known. */
export function secondsLeft(task: TaskState): number | undefined {
  const speed = task.rate.bytesPerSecond();
  if (task.totalBytes === undefined || speed === undefined || speed < 1) return undefined;
  const seconds = Math.ceil((task.totalBytes - task.doneBytes) / speed);
  return seconds > 0 && seconds < MAX_SECONDS_LEFT ? seconds : undefined;
}

/** What stands beside a finished task: its note, or how much it was. */
export function closingNote(task: TaskState): string | undefined {
  if (task.note !== undefined) return task.note;
  return task.outcome === "done" && task.doneBytes > 0 ? formatBytes(task.doneBytes) : undefined;
}

/** `https://account:password@host` with `***` for the account: a registry's or a proxy's. */
function withoutAccounts(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/"'@]+@/gi, "$1***@");
}
