/**
 * Progress on a terminal: a block of lines below the talk, redrawn in place. It
 * shares standard error with the log: a line of talk goes above the block. Finished
 * lines stay in the block until nothing is at work; then they become talk.
 *
 * @module
 */

import type { TextSink } from "./io.ts";
import { renderBlock, renderClosing } from "./progress_block.ts";
import type { TaskState, TaskView } from "./progress_tasks.ts";
import { width } from "./table.ts";

/** The talk's side of a screen. */
export interface Surface {
  /** Prints whole lines of marked text, above the block. */
  write(text: string): void;
  /** Makes way for text of others, until the next look. */
  clear(): void;
  /** Draws nothing from now on: a question has the terminal. */
  pause(): void;
  resume(): void;
  /** Nothing is drawn after this; lines of unfinished tasks disappear. */
  end(): void;
}

/**
 * A screen.
 *
 * @param sink the terminal itself; what goes there may move the cursor.
 * @param render makes marked text fit for it.
 */
export function createScreen(sink: TextSink, render: (text: string) => string): TaskView & Surface {
  const tasks: TaskState[] = [];
  /** What stands on the screen, and how wide each line of it is. */
  let drawn = "";
  let widths: readonly number[] = [];
  let state: "on" | "paused" | "ended" = "on";

  /** Puts text where the block is, and the block below it, in one go: nothing flickers. */
  const put = (text: string, block: readonly string[]) => {
    // ECMA-48: cursor up (CUU), erase to the end of the line (EL), of the screen (ED). A line
    // of talk may be as wide as the terminal, and EL behind it would take its last character.
    const height = heightAt(widths, sink.columns);
    const back = height > 0 ? `\x1b[${height}A\r${text === "" ? "" : "\x1b[J"}` : "";
    const lines = block.map((line) => `${render(line)}${height > 0 ? "\x1b[K" : ""}\n`).join("");
    const all = `${back}${render(text)}${lines}${height > 0 && text === "" ? "\x1b[J" : ""}`;
    if (all !== "") sink.write(all);
    widths = block.map((line) => width(line));
    drawn = block.join("\n");
  };
  /** The block as it is to be now. */
  const current = () => (state === "on" ? renderBlock(tasks, sink) : []);
  const isIdle = () => tasks.every((task) => task.outcome !== "working");
  /** The finished lines become talk. */
  const settle = () => {
    const closing = renderClosing(tasks, sink).map((line) => `${line}\n`);
    tasks.length = 0;
    put(closing.join(""), []);
  };
  const clear = () => {
    if (tasks.length === 0) return;
    if (isIdle()) settle();
    else put("", []);
  };
  return {
    started(task) {
      if (state !== "ended") tasks.push(task);
    },
    look() {
      if (state !== "on") return;
      const block = current();
      // A block that a narrower terminal has wrapped is clipped now: it differs.
      if (block.join("\n") !== drawn) put("", block);
    },
    finished() {},
    write(text) {
      if (tasks.length > 0 && isIdle()) settle();
      put(text, current());
    },
    clear,
    pause() {
      clear();
      state = "paused";
    },
    resume() {
      if (state === "paused") state = "on";
    },
    end() {
      if (state === "ended") return;
      state = "ended";
      settle();
    },
  };
}

/**
 * How many lines of the terminal a block takes now: a terminal that was made
 * narrower wraps what it shows (VTE, kitty, foot, tmux; xterm cuts it instead, and
 * loses some lines of talk here).
 */
function heightAt(widths: readonly number[], columns: number): number {
  return widths.reduce((sum, each) => sum + Math.max(1, Math.ceil(each / columns)), 0);
}
