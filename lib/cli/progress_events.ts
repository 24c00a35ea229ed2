/**
 * Progress for programs: one JSON object a line.
 *
 * @module
 */

import { renderJsonLine } from "./json.ts";
import { secondsLeft, type TaskState, type TaskView } from "./progress_tasks.ts";

/** What is not known has no key: renderJsonLine leaves it out. */
type EventName = "start" | "progress" | "done" | "failed";

/** Events of tasks, each a line of JSON, to `write`. */
export function createEvents(write: (text: string) => void): TaskView {
  const told = new Map<TaskState, { bytes: number; note: string | undefined }>();
  const tell = (event: EventName, task: TaskState, more: object) => {
    const { id, label, kind, digest, doneBytes: bytes, totalBytes, note } = task;
    told.set(task, { bytes, note });
    write(renderJsonLine({ event, id, label, kind, digest, bytes, totalBytes, ...more, note }));
  };
  return {
    started: (task) => tell("start", task, {}),
    look(working) {
      for (const task of working) {
        const last = told.get(task);
        if (last?.bytes === task.doneBytes && last.note === task.note) continue;
        const speed = task.rate.bytesPerSecond();
        tell("progress", task, {
          bytesPerSecond: speed === undefined ? undefined : Math.round(speed),
          secondsLeft: secondsLeft(task),
        });
      }
    },
    finished(task, nowMs) {
      if (task.outcome === "working") return;
      tell(task.outcome, task, { seconds: Math.round(nowMs - task.startMs) / 1000 });
      told.delete(task);
    },
  };
}
