/**
 * Progress of several things at once, one line each, redrawn in place on a
 * terminal; elsewhere one plain line when a thing is finished. It shares standard
 * error with the log: a line of talk takes the block off the screen first and
 * puts it back after.
 *
 * @module
 */

import type { TextSink } from "./io.ts";
import { escapeLine, style } from "./terminal.ts";

/** Redrawn no more often than this, in milliseconds. */
const REDRAW_MS = 100;
const BAR_WIDTH = 20;

/** One thing that takes time: a layer, an unpacking. */
export interface Task {
  /** So much of it is done by now, in bytes (not: so much more). */
  update(doneBytes: number): void;
  /** It is finished; `note` is shown beside it. */
  done(note?: string): void;
  failed(note?: string): void;
}

export interface Progress {
  /** @param totalBytes its size, where it is known. */
  start(label: string, totalBytes?: number): Task;
}

/** Progress and the log on one screen. */
export interface Screen extends Progress {
  /** Prints text above the block. */
  write(text: string): void;
  /** Takes the block off the screen until the next change; for questions. */
  clear(): void;
  /** Nothing is drawn after this; lines of unfinished tasks disappear. */
  end(): void;
}

interface TaskState {
  readonly label: string;
  readonly totalBytes: number | undefined;
  doneBytes: number;
}

/**
 * A screen on a sink for styled text. Lines of tasks are drawn only where `isLive`;
 * so a dumb terminal gets the plain form.
 */
export function createScreen(
  sink: TextSink,
  isLive: boolean,
  nowMs: () => number = () => performance.now(),
  // Cursor movement must not go through the sink that escapes control characters.
  rawWrite: (text: string) => void = (text) => sink.write(text),
): Screen {
  const tasks: TaskState[] = [];
  let drawnLines = 0;
  let drawnAtMs = -Infinity;
  let isEnded = false;

  const clear = () => {
    // ECMA-48: cursor up N lines (CUU), erase to the end of the screen (ED).
    if (drawnLines > 0) rawWrite(`\x1b[${drawnLines}A\r\x1b[J`);
    drawnLines = 0;
  };
  const draw = () => {
    clear();
    if (isEnded || tasks.length === 0) return;
    sink.write(tasks.map((task) => `${clip(taskLine(task), sink.columns - 1)}\n`).join(""));
    drawnLines = tasks.length;
    drawnAtMs = nowMs();
  };
  const write = (text: string) => {
    clear();
    sink.write(text);
    if (isLive) draw();
  };
  const finish = (task: TaskState, mark: string, note: string | undefined) => {
    const index = tasks.indexOf(task);
    if (index < 0) return;
    tasks.splice(index, 1);
    write(`${mark} ${task.label}${note === undefined ? "" : `: ${note}`}\n`);
  };
  return {
    write,
    clear,
    end() {
      isEnded = true;
      clear();
    },
    start(label, totalBytes) {
      const task: TaskState = {
        label: escapeLine(label),
        totalBytes,
        doneBytes: 0,
      };
      tasks.push(task);
      if (isLive) draw();
      return {
        update(doneBytes) {
          task.doneBytes = doneBytes;
          if (isLive && nowMs() - drawnAtMs >= REDRAW_MS) draw();
        },
        done: (note) => finish(task, style("green", "done"), note),
        failed: (note) => finish(task, style("red", "failed"), note),
      };
    },
  };
}

function taskLine(task: TaskState): string {
  if (task.totalBytes === undefined || task.totalBytes <= 0) {
    return task.doneBytes > 0
      ? `${task.label}  ${formatBytes(task.doneBytes)}`
      : `${task.label}  …`;
  }
  const share = Math.min(1, task.doneBytes / task.totalBytes);
  const full = Math.round(share * BAR_WIDTH);
  const bar = "#".repeat(full) + ".".repeat(BAR_WIDTH - full);
  return `[${bar}] ${task.label}  ${formatBytes(task.doneBytes)} of ${formatBytes(task.totalBytes)}`;
}

/** `12.3 MB`: powers of 1000, as registries and disks count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = "B";
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return `${unit === "B" || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

/** A line that wraps could not be erased again by counting lines. */
function clip(text: string, columns: number): string {
  let result = text;
  while (Bun.stringWidth(result) > columns && result !== "") result = result.slice(0, -1);
  return result;
}
