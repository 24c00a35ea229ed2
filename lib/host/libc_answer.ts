/**
 * Calls of the C library that answer as the kernel does: what went wrong is a negative errno(3).
 *
 * @module
 */

import { dlopen, type FFIFunction, FFIType, read } from "bun:ffi";

let errnoAddress = 0;

/** Loads functions of the C library, so that {@linkcode answer} knows where it leaves errno. */
export function loadLibc<Symbols extends Record<string, FFIFunction>>(symbols: Symbols) {
  if (errnoAddress === 0) {
    const { __errno_location: locate } = dlopen("libc.so.6", {
      __errno_location: { args: [], returns: FFIType.pointer },
    }).symbols;
    // One for each thread, and we are always the same.
    errnoAddress = Number(locate());
  }
  return dlopen("libc.so.6", symbols).symbols;
}

/** What a function has just returned: -errno where that is below 0. */
export function answer(result: number | bigint): number {
  return result < 0 ? -read.i32(errnoAddress as never) : Number(result);
}
