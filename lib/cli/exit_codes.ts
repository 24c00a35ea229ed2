/**
 * The one table of exit codes, and the words in which an error is told.
 *
 * @module
 */

import { type ErrorKind, MbctlError } from "../errors.ts";
import { style } from "./terminal.ts";

export const EXIT_DONE = 0;
/** EX_SOFTWARE of sysexits.h. */
export const EXIT_BUG = 70;

/** A process ended by signal N ends with 128 + N, as shells report it. */
export const EXIT_BY_SIGNAL = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
} as const;

/** Every kind of error and its exit code. */
export const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  failed: 1,
  usage: 2,
  host: 3,
  conflict: 4,
  tool: 5,
  interrupted: EXIT_BY_SIGNAL.SIGINT,
};

/** The rows of the help page: code and meaning. */
export const EXIT_CODE_ROWS: readonly (readonly [number, string])[] = [
  [EXIT_DONE, "done"],
  [EXIT_CODES.failed, "the work failed"],
  [EXIT_CODES.usage, "usage or bad input"],
  [EXIT_CODES.host, "the host lacks something"],
  [EXIT_CODES.conflict, "conflict: it exists, or it runs"],
  [EXIT_CODES.tool, "a tool failed"],
  [EXIT_BUG, "a bug of mbctl"],
  [EXIT_CODES.interrupted, "interrupted"],
];

/** The exit code for whatever was thrown: anything but an MbctlError is a bug of ours. */
export function exitCodeOf(error: unknown): number {
  return error instanceof MbctlError ? EXIT_CODES[error.kind] : EXIT_BUG;
}

/** What there is to tell of an error. */
export interface ErrorFacts {
  /** "bug" for whatever is not an MbctlError. */
  readonly kind: ErrorKind | "bug";
  readonly message: string;
  /** What it came from, the nearest first. */
  readonly causes: readonly string[];
  readonly hint: string | undefined;
  /** Of bugs alone. */
  readonly stacks: readonly string[];
}

/** Takes an error apart: its messages, its hint; a bug has its stack instead, with `-v` only. */
export function errorFacts(error: unknown, isVerbose: boolean): ErrorFacts {
  const [message = "", ...causes] = messagesOf(error);
  if (error instanceof MbctlError) {
    return { kind: error.kind, message, causes, hint: error.hint, stacks: [] };
  }
  const hint = isVerbose ? undefined : "run it again with -v to see where";
  return { kind: "bug", message, causes, hint, stacks: isVerbose ? stacksOf(error) : [] };
}

/**
 * What the user reads of an error: the message, each cause below it, then the
 * hint. A bug says that it is one, and shows its stack only with `-v`.
 *
 * @returns marked text that ends in a line feed.
 */
export function describeError(error: unknown, isVerbose: boolean): string {
  const { kind, message, causes, hint, stacks } = errorFacts(error, isVerbose);
  const lines = [message, ...causes];
  if (kind === "bug") lines.unshift("this is a bug of mbctl, please report it");
  const [first = "", ...rest] = lines.map((text) => text.trimEnd().replaceAll("\n", "\n    "));
  return [
    `${style("red", "mbctl:")} ${first}\n`,
    ...rest.map((cause) => `  because: ${cause}\n`),
    ...(hint === undefined ? [] : [`${style("green", "hint:")} ${hint}\n`]),
    ...stacks.map((stack) => `${style("dim", stack)}\n`),
  ].join("");
}

/** The message of an error, then that of its cause, and so on; a repeated text is told once. */
function messagesOf(error: unknown): string[] {
  const messages: string[] = [];
  for (const link of chainOf(error)) {
    const text = link instanceof Error ? messageOf(link) : String(link);
    if (text !== "" && messages.at(-1)?.includes(text) !== true) messages.push(text);
  }
  return messages.length === 0 ? ["no message"] : messages;
}

function messageOf(error: Error): string {
  return error instanceof MbctlError || error.name === "Error" || "code" in error
    ? error.message
    : `${error.name}: ${error.message}`;
}

function stacksOf(error: unknown): string[] {
  return chainOf(error).flatMap((link) =>
    link instanceof Error && link.stack !== undefined ? [link.stack] : [],
  );
}

function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let link = error;
  // A chain that bites its own tail must not hang the telling of it.
  while (link !== undefined && link !== null && chain.length < 8 && !chain.includes(link)) {
    chain.push(link);
    link = link instanceof Error ? link.cause : undefined;
  }
  return chain;
}
