/**
 * The talk: what goes to standard error while a verb works.
 *
 * @module
 */

import { style } from "./terminal.ts";

export interface Log {
  /** What a user wants to know without asking. */
  info(text: string): void;
  /** What may surprise later: `warning: …`. */
  warn(text: string): void;
  /** With `-v` only. */
  debug(text: string): void;
  /** With `-v` only: a command about to run, as one line that can be pasted into a shell. */
  command(line: string): void;
}

/** A log whose lines go, one by one and with a line feed, to `write`. */
export function createLog(write: (text: string) => void, isVerbose: boolean): Log {
  return {
    info: (text) => write(`${text}\n`),
    warn: (text) => write(`${style("yellow", "warning:")} ${text}\n`),
    debug(text) {
      if (isVerbose) write(`${style("dim", text)}\n`);
    },
    command(line) {
      if (isVerbose) write(`${style("dim", `+ ${line}`)}\n`);
    },
  };
}
