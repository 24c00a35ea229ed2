/**
 * Who is at the other end of a connection, asked of the kernel before anything is read from it.
 *
 * @module
 */

import { closeSync } from "node:fs";
import { readProcess } from "./command_processes.ts";
import { openProcess, peerCredentials, peerProcess } from "../host/libc_unix.ts";

/** The process that called connect(2), as the host counts. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Its path in the unified hierarchy (`/machine.slice/…`); undefined: it has ended, or is none of ours. */
  readonly cgroup: string | undefined;
}

/** Reads who connected; undefined where the kernel does not say. */
export function readPeer(socket: number): Peer | undefined {
  const credentials = peerCredentials(socket);
  return credentials && { ...credentials, cgroup: readCgroup(socket, credentials.pid) };
}

/**
 * A pid may be another's by the time that we look. A descriptor of the process stays its own, and says whether it
 * still lives: only then was the file of that pid its own.
 */
function readCgroup(socket: number, pid: number): string | undefined {
  // Outside of our PID namespace.
  if (pid <= 0) return undefined;
  // Before Linux 6.5 the pid may have changed hands between connect(2) and now, but no more while we read.
  const ofPeer = peerProcess(socket);
  const process = ofPeer < 0 ? openProcess(pid) : ofPeer;
  if (process < 0) return undefined;
  try {
    const lines = readProcess(`/proc/${pid}/cgroup`).split("\n");
    const cgroup = lines.find((line) => line.startsWith("0::"))?.slice(3);
    return isAlive(process, pid) ? cgroup : undefined;
  } finally {
    closeSync(process);
  }
}

/** proc_pid_fdinfo(5): -1 once the process is gone. */
function isAlive(process: number, pid: number): boolean {
  const info = readProcess(`/proc/self/fdinfo/${process}`);
  return new RegExp(`^Pid:\\s*${pid}$`, "m").test(info);
}
