/**
 * Locks for which one waits, by flock(2). They vanish with their holder, however
 * it ends, and two of one process exclude each other too.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MbctlError } from "../errors.ts";
import { isErrno, makeDirectory } from "./files.ts";
import { tryLock } from "./libc.ts";
import { interrupted } from "./run.ts";

/** A lock that is held until it is disposed of, or the process ends. */
export interface HeldLock extends Disposable {
  readonly path: string;
  /** The open file, for reading and writing; closing it gives the lock back. */
  readonly descriptor: number;
}

export interface WaitOptions {
  /** Aborting it ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Told once, when there is something to wait for, which processes hold it. */
  readonly onWait?: ((holders: readonly number[]) => void) | undefined;
  /** Longest wait for a holder that shows no progress; default 10 minutes. */
  readonly timeoutMs?: number | undefined;
}

const defaultTimeoutMs = 10 * 60_000;
const shortestNapMs = 2;
const longestNapMs = 100;

/**
 * Takes the lock `path`, making file and folder, and waits while another holds it.
 * The time begins anew whenever the file grows: who downloads into it is at work.
 *
 * @param what what is locked, for the message: `the image store`.
 * @throws {MbctlError} (conflict) when it took too long, (interrupted).
 */
export async function waitForLock(
  path: string,
  kind: "shared" | "exclusive",
  what: string,
  { signal, onWait, timeoutMs = defaultTimeoutMs }: WaitOptions = {},
): Promise<HeldLock> {
  makeDirectory(dirname(path), 0o755);
  let isTold = false;
  let napMs = shortestNapMs;
  let size = -1;
  let deadline = performance.now() + timeoutMs;
  for (;;) {
    const lock = tryToTake(path, kind);
    if (lock !== undefined) return lock;
    const holders = holdersOf(path);
    if (!isTold) onWait?.(holders);
    isTold = true;
    const sizeNow = statSync(path, { throwIfNoEntry: false })?.size ?? -1;
    if (sizeNow !== size) deadline = performance.now() + timeoutMs;
    size = sizeNow;
    if (performance.now() >= deadline) throw tooLong(what, holders, timeoutMs);
    await nap(napMs, signal);
    napMs = Math.min(napMs * 1.5, longestNapMs);
  }
}

/** Takes a lock, or says that another holds it: undefined. */
export function tryToTake(path: string, kind: "shared" | "exclusive"): HeldLock | undefined {
  for (;;) {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    let isTaken = false;
    try {
      if (!tryLock(descriptor, kind)) return undefined;
      // Between opening and locking the holder may have moved or removed the file: then this is no lock.
      if (!hasName(descriptor, path)) continue;
      isTaken = true;
      return held(path, descriptor);
    } finally {
      if (!isTaken) closeSync(descriptor);
    }
  }
}

function held(path: string, descriptor: number): HeldLock {
  let isHeld = true;
  return {
    path,
    descriptor,
    [Symbol.dispose]() {
      if (isHeld) closeSync(descriptor);
      isHeld = false;
    },
  };
}

/** Whether an open file is the one that has this name now. */
export function hasName(descriptor: number, path: string): boolean {
  const open = fstatSync(descriptor, { bigint: true });
  const named = statSync(path, { bigint: true, throwIfNoEntry: false });
  return named?.ino === open.ino && named.dev === open.dev;
}

/**
 * The processes that hold an flock(2) lock on a file (proc_locks(5)). By the
 * inode's number alone: btrfs shows another device number there than stat(2).
 */
export function holdersOf(path: string): number[] {
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  const pids = readLocks().flatMap(([, pid = "", locked]) =>
    Number(locked) === inode && Number(pid) > 0 ? [Number(pid)] : [],
  );
  return [...new Set(pids)];
}

function readLocks(): RegExpMatchArray[] {
  try {
    const text = readFileSync("/proc/locks", "utf8");
    return [...text.matchAll(/: FLOCK +\w+ +\w+ +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /g)];
  } catch (error) {
    if (isErrno(error, "ENOENT", "EACCES")) return [];
    throw error;
  }
}

/** `process 12`, `processes 12, 13`; empty when none is known. */
export function namePids(pids: readonly number[]): string {
  if (pids.length === 0) return "";
  return `${pids.length === 1 ? "process" : "processes"} ${pids.join(", ")}`;
}

function tooLong(what: string, holders: readonly number[], timeoutMs: number): MbctlError {
  const who = holders.length === 0 ? "" : ` (${namePids(holders)})`;
  return new MbctlError(
    "conflict",
    `Cannot use ${what}: another mbctl${who} has not given it back for ${Math.round(timeoutMs / 1000)} s`,
    { hint: "wait for it to end, or end it, then run the command again" },
  );
}

async function nap(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) throw interrupted();
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
  if (signal?.aborted) throw interrupted();
}
