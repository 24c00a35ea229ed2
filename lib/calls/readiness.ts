/**
 * Tells when a descriptor can be read or written, beside everything else that this process waits for.
 *
 * Bun's own sockets read by themselves, and what they read with recv(2) loses the descriptors that came with it. So the
 * kernel sends us SIGIO (fcntl(2), O_ASYNC), and an epoll says what it was about. Nothing runs while nothing happens, and
 * timers, children and promises go on meanwhile: epoll_wait(2) itself would hold them up.
 *
 * @module
 */

import process from "node:process";
import { SyscallError } from "../host/libc.ts";
import { signalInput } from "../host/libc_unix.ts";
import { EventLoop } from "../relay/event_loop.ts";

/** How often it is looked all the same: a signal that nobody saw costs a moment, no more. It also keeps the process alive. */
const tickMs = 1000;
/** Rounds of events that are handed out before everybody else has a turn. */
const roundLimit = 16;

/** Descriptors that are watched; one for each process, as signals are. */
export class Readiness implements Disposable {
  readonly #loop = new EventLoop();
  readonly #look = () => this.look();
  readonly #tick: ReturnType<typeof setInterval>;
  #isPutOff = false;
  #isLooking = false;
  #isEnded = false;

  constructor() {
    process.on("SIGIO", this.#look);
    this.#tick = setInterval(this.#look, tickMs);
  }

  /**
   * Has a handler called for as long as one of the events is so, or the other side has ended.
   *
   * @param events EPOLLIN, EPOLLOUT, EPOLLRDHUP.
   * @throws {SyscallError} where it cannot be waited for: a file, /dev/null.
   */
  watch(descriptor: number, events: number, handle: (events: number) => void): void {
    check("fcntl", signalInput(descriptor));
    check("epoll_ctl", this.#loop.watchLevel(descriptor, events, handle));
    // What is there already sends no signal.
    this.#putOff();
  }

  /** To be called before the descriptor is closed. */
  unwatch(descriptor: number): void {
    this.#loop.unwatch(descriptor);
  }

  /** Hands out what has happened. */
  look(): void {
    if (this.#isLooking || this.#isEnded) return;
    this.#isLooking = true;
    try {
      let rounds = 0;
      while (!this.#isEnded && this.#loop.turn(0) > 0 && ++rounds < roundLimit);
      if (rounds >= roundLimit) this.#putOff();
    } finally {
      this.#isLooking = false;
    }
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    clearInterval(this.#tick);
    process.removeListener("SIGIO", this.#look);
  }

  #putOff(): void {
    if (this.#isPutOff) return;
    this.#isPutOff = true;
    setImmediate(() => {
      this.#isPutOff = false;
      this.look();
    });
  }
}

function check(syscall: string, result: number): void {
  if (result < 0) throw new SyscallError(syscall, -result);
}
