/**
 * Locks between processes, by flock(2): they vanish with their holder, however
 * it ends. flock(2) alone is not in Bun's file API, so this is the one file
 * that calls the C library.
 *
 * @module
 */

import { dlopen, FFIType } from "bun:ffi";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { MbctlError } from "../errors.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

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
  const libc = dlopen("libc.so.6", {
    flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  });
  const taken = libc.symbols.flock(file, LOCK_EX | LOCK_NB) === 0;
  libc.close();
  if (!taken) {
    const holder = readFileSync(path, "utf8").trim();
    closeSync(file);
    throw new MbctlError(
      "conflict",
      `Cannot work on ${what}: another mbctl does${holder === "" ? "" : ` (process ${holder})`}`,
      { hint: "wait for it to end, then run the command again" },
    );
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
