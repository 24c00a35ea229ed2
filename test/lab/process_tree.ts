/**
 * Children of a process, by /proc (proc(5), /proc/PID/task/TID/children).
 *
 * @module
 */
import { readFileSync, readdirSync } from "node:fs";

/** The pids of a process's children, as this namespace counts; empty when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "))
      .filter((text) => text !== "")
      .map(Number);
  } catch {
    return [];
  }
}

/** The short name of a process; `undefined` when it is gone. */
export function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}
