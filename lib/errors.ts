/**
 * The one error type that users see. Every room throws it; the command line
 * alone turns its kind into an exit code (lib/cli/exit_codes.ts).
 *
 * @module
 */

/** What went wrong, in the terms of the exit-code table. */
export type ErrorKind =
  /** The work itself failed. */
  | "failed"
  /** Wrong usage or bad input. */
  | "usage"
  /** The host lacks something. */
  | "host"
  /** Conflict: the thing exists, or runs. */
  | "conflict"
  /** A tool that we called failed. */
  | "tool"
  /** The user stopped us. */
  | "interrupted";

export interface ErrorDetails {
  /** The next command to type, or what to change; printed after `hint: `. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A failure that is explained to the user. The message states the action, quotes
 * the value, then says the current state after a colon, without a full stop:
 * `Cannot parse image reference "x:": the tag is empty`.
 */
export class MbctlError extends Error {
  override readonly name = "MbctlError";
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.hint = details.hint;
  }
}

/** Wrong usage or bad input: exit code 2. */
export function usageError(message: string, hint?: string): MbctlError {
  return new MbctlError("usage", message, { hint });
}
