/**
 * Waiting for bytes, but not for ever.
 *
 * @module
 */

import { interrupted } from "../host/run.ts";
import { BlobFault } from "./blob_fault.ts";

export interface PatienceOptions {
  /** Longest wait in which nothing comes. */
  readonly stallMs: number;
  /** When everything must be done, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** The user's. */
  readonly signal?: AbortSignal | undefined;
}

/** The waits of one try. Its {@linkcode signal} ends the transfer when patience does. */
export class Patience implements Disposable {
  readonly #controller = new AbortController();
  readonly #options: PatienceOptions;
  readonly #timer: Timer;
  readonly #onInterrupt = () => this.#end(interrupted());
  /** Time in which we waited, looked, and nothing had come. */
  #quietMs = 0;
  #end: (reason: Error) => void;
  #reject: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#end = (reason) => {
      if (this.#reason !== undefined) return;
      this.#reason = reason;
      this.#reject?.(reason);
      this.#controller.abort(reason);
    };
    // Ticks are counted, not time: while this process itself was busy or asleep, nothing could come.
    const tickMs = Math.min(500, Math.max(5, options.stallMs / 8));
    this.#timer = setInterval(() => this.#tick(tickMs), tickMs);
    options.signal?.addEventListener("abort", this.#onInterrupt);
    if (options.signal?.aborted) this.#onInterrupt();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Waits for something that comes from outside.
   *
   * @throws what it throws; {BlobFault} (broken) when nothing comes, (final) when the whole time is
   * over; {MbctlError} (interrupted) when the user stops us. What was waited for may go on then.
   */
  wait<T>(promise: Promise<T>): Promise<T> {
    this.#quietMs = 0;
    return new Promise<T>((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#reject = undefined;
        act();
      };
      promise.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(this.#reason ?? error)),
      );
      if (this.#reason !== undefined) reject(this.#reason);
      else this.#reject = reject;
    });
  }

  #tick(tickMs: number): void {
    const { stallMs, deadlineMs } = this.#options;
    if (performance.now() > deadlineMs) {
      this.#end(new BlobFault("final", "it takes too long"));
    } else if (this.#reject !== undefined) {
      this.#quietMs += tickMs;
      if (this.#quietMs >= stallMs) {
        this.#end(new BlobFault("broken", `nothing came for ${formatSeconds(stallMs)}`));
      }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#options.signal?.removeEventListener("abort", this.#onInterrupt);
  }
}

/** A duration for a message: `0.2 s`, `90 s`, `2 h`. */
export function formatSeconds(ms: number): string {
  const seconds = ms / 1000;
  if (seconds >= 7200) return `${Math.round(seconds / 3600)} h`;
  return `${seconds >= 10 ? Math.round(seconds) : Number(seconds.toPrecision(2))} s`;
}
