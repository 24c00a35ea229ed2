/**
 * What went wrong before a command had an exit code of its own. Pure.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";

/** As shells and podman have them: the connector's own trouble, a command that cannot be run, one that is not there. */
export type CallErrorCode = 125 | 126 | 127;

/** The end of a call without a command's exit code. */
export class CallError extends MbctlError {
  readonly exitCode: CallErrorCode;

  constructor(exitCode: CallErrorCode, message: string, hint?: string) {
    super("failed", message, hint === undefined ? {} : { hint });
    this.exitCode = exitCode;
  }
}

/** Longest error that is sent, in characters. */
const errorLimit = 4000;

/** The answer to a call that failed; `otherwise` is the exit code of an error that has none. */
export function failedAnswer(
  error: unknown,
  otherwise: CallErrorCode,
): { readonly exit_code: number; readonly error: string } {
  const text =
    error instanceof MbctlError && error.hint !== undefined
      ? `${error.message}\nhint: ${error.hint}`
      : error instanceof Error
        ? error.message
        : String(error);
  return {
    exit_code: error instanceof CallError ? error.exitCode : otherwise,
    error: text.slice(0, errorLimit),
  };
}
