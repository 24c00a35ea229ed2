/**
 * Locks between processes, by flock(2): they vanish with their holder, however
 * it ends.
 *
 * @module
 */

import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { MbctlError } from "../errors.ts";
import { tryLock } from "./libc.ts";
import { holdersOf } from "./waiting_lock.ts";

/** A lock that is held until it is disposed of, or the process ends. */
export interface Lock extends Disposable {
  readonly path: string;
}

/**
 * Takes the lock `path`, without waiting.
 *
 * @param what what is locked, for the message: `machine "web"`.
 * @throws {MbctlError} (conflict) when another process holds it; names that process.
 */
export function takeLock(path: string, what: string): Lock {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const file = openSync(path, "a+", 0o600);
  if (!tryLock(file, "exclusive")) {
    const holder = readFileSync(path, "utf8").trim();
    closeSync(file);
    throw isHeld(what, holder);
  }
  ftruncateSync(file);
  writeSync(file, `${process.pid}\n`);
  return {
    path,
    [Symbol.dispose]() {
      closeSync(file);
    },
  };
}

/**
 * Wants no other process to hold the lock `path`, without taking it: for those who only look.
 *
 * @throws {MbctlError} (conflict) as {@linkcode takeLock}.
 */
export function requireUnlocked(path: string, what: string): void {
  const holder = holdersOf(path).find((pid) => pid !== process.pid);
  if (holder !== undefined) throw isHeld(what, `${holder}`);
}

function isHeld(what: string, holder: string): MbctlError {
  const who = holder === "" ? "" : ` (process ${holder})`;
  return new MbctlError("conflict", `Cannot work on ${what}: another mbctl does${who}`, {
    hint: "wait for it to end, then run the command again",
  });
}
