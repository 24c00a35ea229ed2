/**
 * One direction of a relayed connection. Bytes wait in a pipe of the kernel, never in our memory, and no more of
 * them than the pipe holds: who sends too fast is held up by TCP itself.
 *
 * @module
 */

import { EAGAIN, endOutput, splice } from "../host/libc_socket.ts";
import type { Pipe, PipePool } from "./pipe_pool.ts";

/** What one turn may move, in bytes, before others have theirs. */
const turnBytes = 1024 * 1024;

/** From one socket to another, neither of which waits. */
export class StreamFlow {
  /** Whether `from` may have something, and `to` may take something: true until the kernel said EAGAIN. */
  isReadable = false;
  isWritable = false;
  /** All that will ever come was handed on, and the other side knows. */
  isDone = false;
  readonly #from: number;
  readonly #to: number;
  readonly #pool: PipePool;
  #pipe: Pipe | undefined;
  #waitingBytes = 0;
  #hasEnded = false;

  constructor(from: number, to: number, pool: PipePool) {
    this.#from = from;
    this.#to = to;
    this.#pool = pool;
  }

  /**
   * Moves what can be moved now.
   *
   * @returns "more" when there was too much for one turn, "failed" when the connection is broken.
   */
  pump(): "idle" | "more" | "failed" {
    let moved = 0;
    while (!this.isDone) {
      if (this.#waitingBytes > 0) {
        if (!this.isWritable) return "idle";
        const count = splice(this.#pipe?.readEnd ?? -1, this.#to, this.#waitingBytes);
        if (count === -EAGAIN) this.isWritable = false;
        else if (count <= 0) return "failed";
        else {
          this.#waitingBytes -= count;
          moved += count;
        }
      } else if (this.#hasEnded) {
        this.release();
        if (!this.isWritable) return "idle";
        this.isDone = true;
        // ENOTCONN: the other side is gone, which is what it was to be told.
        endOutput(this.#to);
      } else {
        if (!this.isReadable || moved >= turnBytes) {
          this.release();
          return this.isReadable ? "more" : "idle";
        }
        this.#pipe ??= this.#pool.take();
        if (this.#pipe === undefined) return "failed";
        const count = splice(this.#from, this.#pipe.writeEnd, this.#pipe.bytes);
        if (count === -EAGAIN) this.isReadable = false;
        else if (count < 0) return "failed";
        else if (count === 0) this.#hasEnded = true;
        else this.#waitingBytes = count;
      }
    }
    return "idle";
  }

  /** Gives the pipe back; what is in it is lost. */
  release(): void {
    if (this.#pipe === undefined) return;
    if (this.#waitingBytes > 0) this.#pool.discard(this.#pipe);
    else this.#pool.give(this.#pipe);
    this.#pipe = undefined;
  }
}
