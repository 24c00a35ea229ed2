/**
 * Waits for many descriptors at a time (epoll(7)). The relay is a process of its own that does nothing else,
 * so the thread waits in the kernel.
 *
 * @module
 */

import { type FixedMemory, fixedMemory } from "../host/libc_at.ts";
import {
  EINTR,
  EPOLLET,
  epollEvent,
  openEpoll,
  unwatchDescriptor,
  waitForEvents,
  watchDescriptor,
} from "../host/libc_socket.ts";

/** Told which of EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP and EPOLLRDHUP hold. */
export type EventHandler = (events: number) => void;

/** How many events are taken from the kernel at a time. */
const eventLimit = 256;

/** One epoll, and who is told of its events. */
export class EventLoop {
  readonly #epoll = openEpoll();
  readonly #events: FixedMemory = fixedMemory(eventLimit * epollEvent.size);
  readonly #handlers = new Map<number, { readonly generation: number; handle: EventHandler }>();
  #generation = 0;
  /** Work that was put off so that others have their turn. */
  #later: (() => void)[] = [];
  #isEnded = false;

  /** Has a handler told once about each event that becomes so (EPOLLET). @returns 0, or -errno. */
  watch(descriptor: number, events: number, handle: EventHandler): number {
    return this.#watch(descriptor, (events | EPOLLET) >>> 0, handle);
  }

  /** Has a handler told about an event for as long as it is so. @returns 0, or -errno. */
  watchLevel(descriptor: number, events: number, handle: EventHandler): number {
    return this.#watch(descriptor, events, handle);
  }

  #watch(descriptor: number, events: number, handle: EventHandler): number {
    // The number of a descriptor is used again: an event of the old one may still be on its way.
    const generation = (this.#generation + 1) >>> 0;
    this.#generation = generation;
    this.#handlers.set(descriptor, { generation, handle });
    return watchDescriptor(this.#epoll, descriptor, events, [descriptor, generation]);
  }

  /** To be called before the descriptor is closed. */
  unwatch(descriptor: number): void {
    if (this.#handlers.delete(descriptor)) unwatchDescriptor(this.#epoll, descriptor);
  }

  /** Calls back when all that has happened by now was handled. */
  later(work: () => void): void {
    this.#later.push(work);
  }

  /** Makes {@linkcode run} return. */
  end(): void {
    this.#isEnded = true;
  }

  /**
   * Hands out events until {@linkcode end} is called.
   *
   * @param onTick called about every `tickMs`, also when nothing happens.
   */
  run(tickMs: number, onTick: () => void): void {
    let nextTickMs = performance.now() + tickMs;
    while (!this.#isEnded) {
      const restMs = this.#later.length > 0 ? 0 : Math.ceil(nextTickMs - performance.now());
      this.turn(Math.max(restMs, 0));
      if (performance.now() < nextTickMs) continue;
      nextTickMs = performance.now() + tickMs;
      onTick();
    }
  }

  /** Waits for events, and hands them out. @returns how many there were. */
  turn(timeoutMs: number): number {
    const count = waitForEvents(this.#epoll, this.#events, eventLimit, timeoutMs);
    if (count < 0 && count !== -EINTR) throw new Error(`epoll_wait: errno ${-count}`);
    for (let index = 0; index < count; index++) this.#hand(index * epollEvent.size);
    const works = this.#later;
    this.#later = [];
    for (const work of works) work();
    return count;
  }

  #hand(at: number): void {
    const { view } = this.#events;
    const descriptor = view.getUint32(at + epollEvent.data, true);
    const generation = view.getUint32(at + epollEvent.data + 4, true);
    const found = this.#handlers.get(descriptor);
    if (found?.generation === generation) found.handle(view.getUint32(at, true));
  }
}
