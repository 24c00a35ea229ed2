/**
 * Progress where nothing can be redrawn: a line for each task that is finished, and
 * for one that takes long a line now and then.
 *
 * @module
 */

import { closingLine, plainText } from "./progress_block.ts";
import { secondsLeft, type TaskState, type TaskView } from "./progress_tasks.ts";
import { formatBytes, formatDuration, formatSpeed } from "./quantity.ts";

/** A task that goes on says so no more often than this. */
const SAY_MS = 10_000;

/** Lines of marked text, each with a line feed, to `write`. */
export function createLines(write: (text: string) => void): TaskView {
  const said = new Map<TaskState, { ms: number; bytes: number; note: string | undefined }>();
  return {
    started(task, nowMs) {
      said.set(task, { ms: nowMs, bytes: task.doneBytes, note: undefined });
    },
    look(working, nowMs) {
      for (const task of working) {
        const last = said.get(task);
        if (last === undefined || nowMs - last.ms < SAY_MS) continue;
        if (last.bytes === task.doneBytes && last.note === task.note) continue;
        said.set(task, { ms: nowMs, bytes: task.doneBytes, note: task.note });
        write(`${workingLine(task)}\n`);
      }
    },
    finished(task) {
      said.delete(task);
      write(`${closingLine(task)}\n`);
    },
  };
}

/** `layer 776483f07619: 45%, 91.2 MB of 202 MB, 12.3 MB/s, 9s left`. */
function workingLine(task: TaskState): string {
  const { totalBytes, doneBytes, note } = task;
  const speed = task.rate.bytesPerSecond();
  const left = secondsLeft(task);
  const facts = [
    ...(totalBytes === undefined
      ? []
      : [`${Math.floor(Math.min(1, doneBytes / totalBytes) * 100)}%`]),
    ...(totalBytes === undefined
      ? doneBytes > 0
        ? [formatBytes(doneBytes)]
        : []
      : [`${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`]),
    ...(note !== undefined || speed === undefined ? [] : [formatSpeed(speed)]),
    ...(note !== undefined || left === undefined ? [] : [`${formatDuration(left)} left`]),
    ...(note === undefined ? [] : [plainText(note)]),
  ];
  return `${plainText(task.label)}: ${facts.join(", ")}`;
}
