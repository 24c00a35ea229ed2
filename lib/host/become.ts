/**
 * Hands this process over to another program: it keeps our terminal, job
 * control, signals and process number, and its exit code is ours.
 *
 * @module
 */

import process from "node:process";
import { quoteLine } from "../env/posix_sh.ts";
import { missingProgram } from "./run.ts";

/**
 * Replaces this process by a program of the host. Does not return.
 *
 * @param env the program's whole environment.
 * @param onCommand told the command, as one line that can be pasted.
 * @throws {MbctlError} (host) when the program is not installed.
 */
export function becomeProgram(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  onCommand: (line: string) => void,
): never {
  const [program = ""] = argv;
  const path = Bun.which(program, { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" });
  if (path === null) throw missingProgram(program);
  onCommand(quoteLine(argv));
  // Bun ignores these two; a program that it becomes would inherit that. A handler is reset by execve(2).
  process.on("SIGPIPE", () => {});
  process.on("SIGXFSZ", () => {});
  if (process.execve === undefined) throw new TypeError("this runtime has no process.execve()");
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) variables[name] = value;
  process.execve(path, [...argv], variables);
  throw new Error(`execve ${path} returned`);
}
