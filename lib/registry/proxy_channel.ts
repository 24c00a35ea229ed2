/**
 * The socket between us and `skopeo experimental-image-proxy`: requests and their
 * answers. Messages stay whole (SOCK_SEQPACKET), each holds JSON, and there is one
 * answer for each request, in their order (cmd/skopeo/proxy.go).
 *
 * @module
 */

import { closeSync, writeSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import { makeSocketPair, type Message, receiveMessage } from "../host/libc.ts";
import { interrupted } from "../host/run.ts";
import type { Child, Spawn } from "../host/spawn.ts";

/** Longest message of a proxy (proxy.go, maxMsgSize). */
const messageLimitBytes = 32 * 1024;

/** An error that a proxy answered: skopeo's words. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
}

/** What a proxy answered. Who gets a descriptor closes it. */
export interface Answer {
  readonly value: unknown;
  readonly pipeId: number;
  /** The read end of a pipe. */
  readonly descriptor: number | undefined;
}

interface Waiter {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** The error of an aborted signal: its reason where that is one of ours. */
export function abortError(signal: AbortSignal): MbctlError {
  return signal.reason instanceof MbctlError ? signal.reason : interrupted();
}

/** A proxy that can be asked. Disposing of it kills the proxy. */
export class ProxyChannel implements Disposable {
  readonly #child: Child;
  readonly #socket: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  /** Who waits for an answer, in the order of the requests. */
  readonly #waiters: Waiter[] = [];
  #isReceiving = false;
  #isOpen = true;

  /**
   * Starts a proxy.
   *
   * @param argv `skopeo` and its words, without `--sockfd`.
   * @param signal aborting it kills the proxy, and whatever waits for it fails.
   * @throws {MbctlError} (host) without skopeo, (interrupted).
   */
  constructor(spawn: Spawn, argv: readonly string[], signal?: AbortSignal) {
    if (signal?.aborted) throw abortError(signal);
    const [ours, theirs] = makeSocketPair();
    try {
      this.#child = spawn([...argv, "--sockfd", "3"], { descriptors: [theirs] });
    } catch (error) {
      closeSync(ours);
      throw error;
    } finally {
      closeSync(theirs);
    }
    this.#socket = ours;
    this.#signal = signal;
    this.#onAbort = () => this.end(signal && abortError(signal));
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Whether nothing is being asked. */
  get isIdle(): boolean {
    return this.#isOpen && this.#waiters.length === 0;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Asks for something.
   *
   * @param signal gives up waiting. The proxy goes on, and answers nothing else before.
   * @throws {ProxyError} with skopeo's words.
   */
  ask(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const onAbort = () => reject(signal && abortError(signal));
    if (signal?.aborted) onAbort();
    else if (!this.#isOpen) reject(this.#signal?.aborted ? abortError(this.#signal) : ended());
    else {
      let isWanted = true;
      signal?.addEventListener("abort", onAbort, { once: true });
      const forget = () => {
        isWanted = false;
        signal?.removeEventListener("abort", onAbort);
      };
      promise.then(forget, forget);
      this.#waiters.push({
        resolve(answer) {
          if (isWanted) resolve(answer);
          else if (answer.descriptor !== undefined) closeSync(answer.descriptor);
        },
        reject,
      });
      this.#send({ method, args });
      void this.#receive();
    }
    return promise;
  }

  [Symbol.dispose](): void {
    this.end(ended());
  }

  /** Kills the proxy; who waits for an answer gets the error. */
  end(error: unknown): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#child.kill();
    // How a killed child ended is no news.
    this.#child.done().catch(() => {});
    closeSync(this.#socket);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #send(request: object): void {
    try {
      writeSync(this.#socket, JSON.stringify(request));
    } catch (error) {
      // It is gone: why, is told where its answer is missed.
      if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
    }
  }

  /** Hands out answers as long as somebody waits for one. */
  async #receive(): Promise<void> {
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    let began = performance.now();
    while (this.#isOpen && this.#waiters.length > 0) {
      try {
        const message = this.#nextMessage();
        if (message === undefined) {
          // Nothing wakes us: a socket with descriptors is no stream of Bun's.
          await Bun.sleep(Math.min(1 + (performance.now() - began) / 50, 20));
        } else if (message.bytes.length === 0) {
          this.end(await this.#whyGone());
        } else {
          settle(this.#waiters.shift(), message.bytes, message.descriptor);
          began = performance.now();
        }
      } catch (error) {
        this.end(error);
      }
    }
    this.#isReceiving = false;
  }

  /** An empty one: the proxy is gone. */
  #nextMessage(): Message | undefined {
    try {
      return receiveMessage(this.#socket, messageLimitBytes);
    } catch (error) {
      // It went without having read what we sent.
      if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
      return { bytes: new Uint8Array(), descriptor: undefined };
    }
  }

  /** The error of a proxy that went by itself: what it wrote to stderr. */
  async #whyGone(): Promise<unknown> {
    try {
      await this.#child.done();
      return ended();
    } catch (error) {
      return error;
    }
  }
}

function ended(): ProxyError {
  return new ProxyError("skopeo ended early");
}

function settle(
  waiter: Waiter | undefined,
  bytes: Uint8Array,
  descriptor: number | undefined,
): void {
  const answer = JSON.parse(Buffer.from(bytes).toString());
  if (answer.success === true) {
    waiter?.resolve({ value: answer.value, pipeId: Number(answer.pipeid), descriptor });
    return;
  }
  if (descriptor !== undefined) closeSync(descriptor);
  waiter?.reject(new ProxyError(String(answer.error)));
}
