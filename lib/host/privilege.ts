/**
 * What only root may do.
 *
 * @module
 */

import process from "node:process";
import { MbctlError } from "../errors.ts";

/**
 * Wants the process to be root.
 *
 * @param what what is to be done, for the message: `make a machine`.
 * @throws {MbctlError} (host) when it is not.
 */
export function requireRoot(what: string): void {
  if (isRoot()) return;
  throw new MbctlError("host", `Cannot ${what}: that takes root`, {
    hint: "run the command again with sudo",
  });
}

/** Whether the process is root. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
