/**
 * The talk: what goes to standard error while a verb works.
 *
 * @module
 */

import { style } from "./terminal.ts";

export interface Log {
  /** What a user wants to know without asking; not with `--quiet`. */
  info(text: string): void;
  /** What may surprise later: `warning: …`. */
  warn(text: string): void;
  /** With `-v` only. */
  debug(text: string): void;
  /** With `-v` only: a command about to run, as one line that can be pasted into a shell. */
  command(line: string): void;
}

/** What a line of talk is. */
export type LogLevel = keyof Log;

/** How much is said. */
export interface Loudness {
  /** `-v`. */
  readonly isVerbose: boolean;
  /** `--quiet`: warnings alone. */
  readonly isQuiet: boolean;
}

/** A log whose lines go, one by one, to `say`. */
export function createLog(
  say: (level: LogLevel, text: string) => void,
  { isVerbose, isQuiet }: Loudness,
): Log {
  const when = (isSaid: boolean, level: LogLevel) => (text: string) => {
    if (isSaid) say(level, text);
  };
  return {
    info: when(!isQuiet, "info"),
    warn: when(true, "warn"),
    debug: when(isVerbose, "debug"),
    command: when(isVerbose, "command"),
  };
}

/** A line of talk for people: marked text with a line feed. */
export function renderLogLine(level: LogLevel, text: string): string {
  if (level === "warn") return `${style("yellow", "warning:")} ${text}\n`;
  if (level === "debug") return `${style("dim", text)}\n`;
  return level === "command" ? `${style("dim", `+ ${text}`)}\n` : `${text}\n`;
}
