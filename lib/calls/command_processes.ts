/**
 * The processes of a command, as the kernel shows them.
 *
 * @module
 */

import { readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { isErrno } from "../host/files.ts";

/** A file of /proc; empty where its process has ended. */
export function readProcess(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH")) return "";
    throw error;
  }
}

/** The direct children of a process (proc_tid_children(5)). */
function childrenOf(pid: number): number[] {
  return readProcess(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** Children, their children, and so on; whoever lost his parent is missing. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/**
 * The command itself: what was started, or its child in another PID namespace, for which it waits there (nsenter(1)).
 */
export function findCommand(started: number): number {
  const own = pidNamespace(started);
  return childrenOf(started).find((child) => pidNamespace(child) !== own) ?? started;
}

function pidNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH")) return "";
    throw error;
  }
}

/** Its process group, as we count (proc_pid_stat(5)); the name before it may hold anything. */
export function processGroup(pid: number): number | undefined {
  const stat = readProcess(`/proc/${pid}/stat`);
  const group = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2];
  return group === undefined ? undefined : Number(group);
}

/** Sends a signal; who has ended needs none. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, "ESRCH")) throw error;
  }
}
