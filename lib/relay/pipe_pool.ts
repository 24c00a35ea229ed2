/**
 * Pipes for connections that have bytes on their way. An idle connection holds none: the kernel counts the pages
 * of a user's pipes (pipe(7), pipe-user-pages-soft), and makes them small beyond 64 MiB.
 *
 * @module
 */

import { growPipe } from "../host/libc.ts";
import { close, fixedMemory } from "../host/libc_at.ts";
import { openPipe } from "../host/libc_socket.ts";

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
  /** What it holds. */
  readonly bytes: number;
}

/** Pipes that are kept for the next connection. */
const keptPipes = 64;
const wantedBytes = 256 * 1024;
/** What the kernel gives unasked. */
const defaultBytes = 64 * 1024;

/** Pipes that are empty, and new ones when there are none. */
export class PipePool {
  readonly #free: Pipe[] = [];
  readonly #ends = fixedMemory(8);

  /** An empty pipe; undefined when the process has no descriptors left. */
  take(): Pipe | undefined {
    const kept = this.#free.pop();
    if (kept !== undefined) return kept;
    if (openPipe(this.#ends) < 0) return undefined;
    const { view } = this.#ends;
    const [readEnd, writeEnd] = [view.getInt32(0, true), view.getInt32(4, true)];
    return { readEnd, writeEnd, bytes: growPipe(writeEnd, wantedBytes) ?? defaultBytes };
  }

  /** Takes an empty pipe back. */
  give(pipe: Pipe): void {
    if (this.#free.length < keptPipes) this.#free.push(pipe);
    else this.discard(pipe);
  }

  /** Ends a pipe, with what is in it. */
  discard({ readEnd, writeEnd }: Pipe): void {
    close(readEnd);
    close(writeEnd);
  }
}
