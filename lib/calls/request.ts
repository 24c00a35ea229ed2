/**
 * What client and server say to each other. Pure.
 *
 * ```text
 * client ─▶ {"argv": ["psql", "-c", "select 1"]}   and its standard input, output and error by SCM_RIGHTS
 * server ─▶ {"terminal": true}                     and a terminal's master, where one of the three is a terminal
 * client ─▶ {"signal": "SIGINT"}, {"rows": 24, "columns": 80}
 * server ─▶ {"exit_code": 0}                       or with "error": why there is no exit code of the command
 * ```
 *
 * @module
 */

import type { TerminalSize } from "../host/libc_terminal.ts";
import { CallError } from "./call_error.ts";

/** Most words of a command line. */
export const wordLimit = 16_384;
/** What the kernel takes for one word, its NUL included: MAX_ARG_STRLEN (execve(2)). */
const wordBytes = 128 * 1024;

/** What a client may have its command told. */
const callSignals = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGTSTP",
  "SIGCONT",
] as const;
export type CallSignal = (typeof callSignals)[number];

/** A frame of the client's behind its request. */
export type Control =
  | { readonly kind: "signal"; readonly signal: CallSignal }
  | { readonly kind: "size"; readonly size: TerminalSize };

/** A frame of the server's. */
export type Answer =
  | { readonly kind: "terminal" }
  | { readonly kind: "end"; readonly exitCode: number; readonly error: string | undefined };

function fields(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new CallError(125, `Cannot read ${what}: it is no JSON object`);
}

function onlyKeys(value: Readonly<Record<string, unknown>>, keys: readonly string[], what: string) {
  const other = Object.keys(value).find((key) => !keys.includes(key));
  if (other === undefined) return;
  throw new CallError(125, `Cannot read ${what}: there is no ${JSON.stringify(other)} in it`);
}

/**
 * Reads a request: the words of the command line, the lent command first.
 *
 * @throws {CallError} for anything else. Neither environment nor working directory can be asked for.
 */
export function parseRequest(value: unknown): readonly [command: string, ...words: string[]] {
  const request = fields(value, "the request");
  onlyKeys(request, ["argv"], "the request");
  const { argv } = request;
  if (!Array.isArray(argv) || !argv.every((word) => typeof word === "string")) {
    throw new CallError(125, "Cannot read the request: argv is no list of strings");
  }
  if (argv.length > wordLimit) {
    throw new CallError(
      126,
      `Cannot run a command of ${argv.length} words: the limit is ${wordLimit}`,
    );
  }
  for (const [index, word] of (argv as string[]).entries()) checkWord(word, index);
  const [command, ...words] = argv as string[];
  if (command === undefined || command === "") {
    throw new CallError(125, "Cannot read the request: argv names no command");
  }
  return [command, ...words];
}

function checkWord(word: string, index: number): void {
  const problem = word.includes("\0")
    ? "it holds a NUL"
    : !word.isWellFormed()
      ? "it is no Unicode text"
      : Buffer.byteLength(word) >= wordBytes
        ? `it has ${wordBytes} bytes or more`
        : undefined;
  if (problem === undefined) return;
  throw new CallError(126, `Cannot run the command with its word ${index}: ${problem}`);
}

/** Reads what a client says behind its request. @throws {CallError} for anything else. */
export function parseControl(value: unknown): Control {
  const frame = fields(value, "a control frame");
  if ("signal" in frame) {
    onlyKeys(frame, ["signal"], "a control frame");
    const signal = callSignals.find((known) => known === frame.signal);
    if (signal !== undefined) return { kind: "signal", signal };
    throw new CallError(125, `Cannot pass on the signal ${JSON.stringify(frame.signal)}`);
  }
  onlyKeys(frame, ["rows", "columns"], "a control frame");
  const { rows, columns } = frame;
  if (isCount(rows) && isCount(columns)) return { kind: "size", size: { rows, columns } };
  throw new CallError(
    125,
    "Cannot read a control frame: rows and columns are no numbers below 65536",
  );
}

/** What fits in `struct winsize`. */
function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 65_536;
}

/** Reads what a server says. @throws {CallError} for anything else. */
export function parseAnswer(value: unknown): Answer {
  const frame = fields(value, "the answer");
  if (frame.terminal === true) return { kind: "terminal" };
  const { exit_code: exitCode, error } = frame;
  const isCode =
    typeof exitCode === "number" && Number.isInteger(exitCode) && exitCode >= 0 && exitCode < 256;
  if (isCode && (error === undefined || typeof error === "string")) {
    return { kind: "end", exitCode, error };
  }
  throw new CallError(125, "Cannot read the answer: it has no exit code");
}
