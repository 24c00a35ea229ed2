/**
 * Reading a pipe without waiting in it: who waits in a read cannot be stopped, and
 * Bun's own streams (1.4.5) leave so much for the garbage collector that three of
 * them cost 50 MB.
 *
 * @module
 */

import { closeSync, constants, openSync, readSync } from "node:fs";
import { growPipe } from "../host/libc.ts";

/** What the kernel gives a pipe of a user without privileges. */
const pipeBytes = 1024 * 1024;
/** Bytes that are read at once. */
const chunkBytes = 256 * 1024;
/** After so many bytes everybody else has a turn, also where more is there already. */
const turnBytes = 1024 * 1024;
/** Longest pause: a pipe of that size fills up in it at 100 MB/s. */
const longestPauseMs = 10;

/** The read end of a pipe. Disposing of it closes it. */
export class PipeReader implements Disposable {
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafeSlow(chunkBytes);
  #lastMs = performance.now();
  #pauseMs = 1;
  #turnBytes = 0;

  /** @param descriptor read from nowhere else; closed here. */
  constructor(descriptor: number) {
    growPipe(descriptor, pipeBytes);
    try {
      // The same pipe by another open file, whose flags are ours alone.
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      this.#descriptor = openSync(`/proc/self/fd/${descriptor}`, flags);
    } finally {
      closeSync(descriptor);
    }
  }

  /** For how long nothing has come. */
  get silentMs(): number {
    return performance.now() - this.#lastMs;
  }

  /**
   * What has come, `limit` bytes at most. It is good until the next call.
   *
   * @returns an empty array at the pipe's end, undefined when nothing has come yet.
   */
  read(limit: number): Uint8Array | undefined {
    try {
      const length = Math.min(limit, chunkBytes);
      const count = readSync(this.#descriptor, this.#buffer, 0, length, null);
      this.#lastMs = performance.now();
      if (count === length) this.#pauseMs = 1;
      this.#turnBytes += count;
      return this.#buffer.subarray(0, count);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      return undefined;
    }
  }

  /** Lets others work where much has come without a pause. */
  async share(): Promise<void> {
    if (this.#turnBytes < turnBytes) return;
    this.#turnBytes = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits a little, longer where little comes. */
  async pause(): Promise<void> {
    this.#turnBytes = 0;
    await Bun.sleep(this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 1.5, longestPauseMs);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
