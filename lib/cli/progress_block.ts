/**
 * The lines that tasks have on a terminal: one each, or, where these are more than
 * the terminal is high, those at work and a sum of all.
 *
 * @module
 */

import type { TaskKind } from "./progress.ts";
import { closingNote, secondsLeft, type TaskState } from "./progress_tasks.ts";
import { formatBytes, formatDuration, formatSpeed } from "./quantity.ts";
import { width } from "./table.ts";
import { clipLine, escapeLine, style, withoutStyles } from "./terminal.ts";

const MAX_BAR = 20;
const MIN_BAR = 5;
/** Columns of `12.3 MB/s` and of `59m 59s`: kept free, so that the bars stand still. */
const SPEED_WIDTH = 9;
const LEFT_WIDTH = 7;

/** Size of a terminal, in characters. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The block while something is at work: marked lines, each shorter than the terminal is wide. */
export function renderBlock(tasks: readonly TaskState[], size: ScreenSize): string[] {
  const room = roomFor(size);
  const folded = tasks.length > room;
  const begun = tasks.filter((task) => task.outcome === "working" && !isWaiting(task));
  const shown = folded ? begun.slice(0, room - 1) : tasks;
  const columns = columnsOf(shown, size.columns - 1);
  const lines = shown.map((task) =>
    task.outcome === "working" ? workingLine(task, columns) : closingLine(task),
  );
  if (folded) lines.push(summaryLine(tasks, begun.length - shown.length));
  // Whether blanks at the end take part when a terminal wraps anew, no two agree.
  return lines.map((line) => clipLine(line, size.columns - 1).trimEnd());
}

/** The lines that stay when all is over: one for each finished task, or one for each kind and for each failure. */
export function renderClosing(tasks: readonly TaskState[], size: ScreenSize): string[] {
  const finished = tasks.filter((task) => task.outcome !== "working");
  if (tasks.length <= roomFor(size)) return finished.map(closingLine);
  return byKind(tasks).flatMap(([kind, all]) => {
    const done = all.filter((task) => task.outcome === "done");
    const failed = all.filter((task) => task.outcome === "failed").map(closingLine);
    if (all.length === 1) return [...done.map(closingLine), ...failed];
    const bytes = formatBytes(done.reduce((sum, task) => sum + task.doneBytes, 0));
    const count = `${done.length < all.length ? `${done.length} of ` : ""}${counted(all.length, kind)}`;
    return [`${style("green", "done")} ${count}: ${bytes}`, ...failed];
  });
}

/** `done layer 776483f07619: 699 B`. */
export function closingLine(task: TaskState): string {
  const mark = task.outcome === "failed" ? style("red", "failed") : style("green", "done");
  const note = closingNote(task);
  return `${mark} ${plainText(task.label)}${note === undefined ? "" : `: ${plainText(note)}`}`;
}

/** Text of others as it may stand in a line: no control characters, no marks. */
export function plainText(text: string): string {
  return escapeLine(withoutStyles(text));
}

/** The last line is the cursor's. */
function roomFor(size: ScreenSize): number {
  return Math.max(1, size.rows - 1);
}

/** Started, but nothing of it has come. What has no size is at work from the beginning. */
function isWaiting(task: TaskState): boolean {
  return task.totalBytes !== undefined && task.doneBytes === 0 && task.note === undefined;
}

interface Columns {
  readonly bar: number;
  readonly label: number;
  readonly amount: number;
}

/** What the lines with a bar have in common; the bar gives way first. */
function columnsOf(tasks: readonly TaskState[], available: number): Columns {
  const sized = tasks.filter((task) => task.outcome === "working" && task.totalBytes !== undefined);
  const widest = (text: (task: TaskState) => string) =>
    Math.max(0, ...sized.map((task) => width(text(task))));
  const label = widest((task) => plainText(task.label));
  const amount = widest(amountOf);
  const bar = Math.min(MAX_BAR, available - label - amount - SPEED_WIDTH - LEFT_WIDTH - 9);
  return { bar: bar < MIN_BAR ? 0 : bar, label, amount };
}

function workingLine(task: TaskState, columns: Columns): string {
  const label = plainText(task.label);
  const note = task.note === undefined ? undefined : plainText(task.note);
  const speed = task.rate.bytesPerSecond();
  if (task.totalBytes === undefined) {
    if (task.doneBytes === 0) return `${label}  ${note ?? "…"}`;
    const says = note ?? (speed === undefined ? "" : formatSpeed(speed));
    return `${label}  ${formatBytes(task.doneBytes)}  ${says}`.trimEnd();
  }
  const left = secondsLeft(task);
  const says =
    note ??
    (speed === undefined
      ? ""
      : `${formatSpeed(speed).padStart(SPEED_WIDTH)}  ${left === undefined ? "" : formatDuration(left)}`);
  const share = Math.min(1, task.doneBytes / task.totalBytes);
  const full = Math.floor(share * columns.bar);
  const bar = columns.bar === 0 ? "" : `[${"#".repeat(full)}${".".repeat(columns.bar - full)}] `;
  const amount = amountOf(task);
  const text = `${bar}${padded(label, columns.label)}  ${padded(amount, columns.amount)}  ${says}`;
  return text.trimEnd();
}

function amountOf(task: TaskState): string {
  return `${formatBytes(task.doneBytes).padStart(7)} of ${formatBytes(task.totalBytes ?? 0)}`;
}

function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** `98 of 127 layers done`, and what it leaves out. */
function summaryLine(tasks: readonly TaskState[], hidden: number): string {
  const counts = byKind(tasks).map(([kind, all]) => {
    const done = all.filter((task) => task.outcome === "done").length;
    return `${done} of ${counted(all.length, kind)}`;
  });
  const failed = tasks.filter((task) => task.outcome === "failed").length;
  return [
    `${counts.join(", ")} done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(hidden > 0 ? [`${hidden} more at work`] : []),
  ].join(", ");
}

function counted(count: number, kind: TaskKind | undefined): string {
  return `${count} ${kind ?? "task"}${count === 1 ? "" : "s"}`;
}

function byKind(tasks: readonly TaskState[]): [TaskKind | undefined, TaskState[]][] {
  return [...Map.groupBy(tasks, (task) => task.kind)];
}
