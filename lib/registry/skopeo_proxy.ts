/**
 * A client of `skopeo experimental-image-proxy`: one skopeo that stays and hands
 * out manifests and blobs, instead of one start for each of them. The protocol is
 * "0.2.3" in skopeo 1.9.3, "0.2.6" in 1.18.0 and "0.2.8" in 1.22.0.
 *
 * Bytes come through pipes, several at once if need be. The proxy closes a pipe in
 * the request FinishPipe alone, which waits until all is written and answers what
 * went wrong; it hears nothing else meanwhile. So a blob is read up to its size, and
 * FinishPipe comes before that only when the bytes cease.
 *
 * @module
 */

import { closeSync } from "node:fs";
import type { Spawn } from "../host/spawn.ts";
import type { BlobId } from "../image/blob_source.ts";
import { type Digest, parseDigest } from "../image/digest.ts";
import { PipeReader } from "./pipe_reader.ts";
import { abortError, ProxyChannel, ProxyError } from "./proxy_channel.ts";

/** Longest manifest or configuration that skopeo takes, too. */
const metadataLimitBytes = 4 * 1024 * 1024;
/** Longest wait for an answer. skopeo waits about a minute by itself when a registry is busy. */
const answerTimeoutMs = 90_000;
/** A pipe that is silent for so long may have ended: FinishPipe will tell. */
const silenceMs = 500;

/** An image that a proxy has open. */
export interface ProxyImage {
  readonly id: number;
}

/** A proxy at work. Disposing of it kills it. */
export class SkopeoProxy implements Disposable {
  readonly #channel: ProxyChannel;
  #version = "";
  #streams = 0;
  #isStuck = false;

  private constructor(channel: ProxyChannel) {
    this.#channel = channel;
  }

  /**
   * Starts a proxy.
   *
   * @param argv `skopeo experimental-image-proxy` with its flags, without `--sockfd`.
   * @param signal aborting it kills the proxy, and whatever waits for it fails.
   * @throws {ProxyError} with skopeo's words; {CommandError} when skopeo does not know
   * the command; {MbctlError} (host) without skopeo, (interrupted).
   */
  static async start(
    spawn: Spawn,
    argv: readonly string[],
    signal?: AbortSignal,
  ): Promise<SkopeoProxy> {
    const proxy = new SkopeoProxy(new ProxyChannel(spawn, argv, signal));
    try {
      proxy.#version = String(await proxy.#ask("Initialize", []).then(({ value }) => value));
      return proxy;
    } catch (error) {
      proxy[Symbol.dispose]();
      throw error;
    }
  }

  /** The protocol's version. */
  get version(): string {
    return this.#version;
  }

  /** Whether it applies policy.json to an image before it opens it (protocol 0.2.6). */
  get hasPolicy(): boolean {
    const [major = 0, minor = 0, patch = 0] = this.#version.split(".").map(Number);
    return major > 0 || minor > 2 || (minor === 2 && patch >= 6);
  }

  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  /** Whether it would answer at once. */
  get isIdle(): boolean {
    return this.#channel.isIdle;
  }

  /** Opens an image, by its name as skopeo writes it. */
  async openImage(source: string): Promise<ProxyImage> {
    const { value } = await this.#ask("OpenImage", [source]);
    if (typeof value !== "number") throw new ProxyError(`OpenImage answered ${value}`);
    return { id: value };
  }

  /**
   * The manifest for the platform that the proxy was started for. A Docker
   * manifest comes as OCI; the digest is that of the original.
   */
  async readManifest(image: ProxyImage): Promise<{ digest: Digest; bytes: Uint8Array }> {
    const { value, pipeId, descriptor } = await this.#ask("GetManifest", [image.id]);
    if (descriptor === undefined) throw new ProxyError("GetManifest answered without a pipe");
    const finished = this.#ask("FinishPipe", [pipeId]);
    finished.catch(() => {});
    try {
      const bytes = await collect(Bun.file(descriptor).stream());
      await finished;
      return { digest: parseDigest(String(value)), bytes };
    } finally {
      closeSync(descriptor);
    }
  }

  /** A small blob: a configuration. */
  async readBlob(image: ProxyImage, blob: BlobId, signal?: AbortSignal): Promise<Uint8Array> {
    return await collect(await this.openBlob(image, blob, signal));
  }

  /**
   * The bytes of a blob as they come, as many as its size says. They are not
   * verified; the stream throws when there are fewer. A chunk is good until the
   * next one is asked for.
   */
  async openBlob(
    image: ProxyImage,
    blob: BlobId,
    signal?: AbortSignal,
  ): Promise<AsyncGenerator<Uint8Array, void>> {
    const args = [image.id, blob.digest, blob.sizeBytes];
    const { descriptor, pipeId } = await this.#ask("GetBlob", args, signal);
    if (descriptor === undefined) throw new ProxyError("GetBlob answered without a pipe");
    this.#streams++;
    return this.#readPipe(descriptor, pipeId, blob.sizeBytes, signal);
  }

  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }

  async *#readPipe(
    descriptor: number,
    pipeId: number,
    sizeBytes: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void> {
    let finish: Promise<unknown> | undefined;
    let failure: unknown;
    const askWhyItEnded = () => {
      finish ??= this.#channel.ask("FinishPipe", [pipeId]).catch((error: unknown) => {
        failure = error;
      });
    };
    const pipe = new PipeReader(descriptor);
    let left = sizeBytes;
    try {
      while (left > 0) {
        if (signal?.aborted) throw abortError(signal);
        const chunk = pipe.read(left);
        if (chunk === undefined) {
          if (pipe.silentMs > silenceMs) askWhyItEnded();
          await pipe.pause();
        } else if (chunk.length === 0) {
          askWhyItEnded();
          await finish;
          throw (
            failure ??
            new ProxyError(`expected ${sizeBytes} bytes in blob, got ${sizeBytes - left}`)
          );
        } else {
          left -= chunk.length;
          yield chunk;
          await pipe.share();
        }
      }
      // What it answers is of no use any more: the bytes are there, and verified elsewhere.
      askWhyItEnded();
    } finally {
      pipe[Symbol.dispose]();
      this.#streams--;
      // It waits for the end of a transfer that nobody wants any more.
      if (left > 0 && finish !== undefined) this.#isStuck ||= !this.isIdle;
      if (this.#isStuck && this.#streams === 0) this[Symbol.dispose]();
    }
  }

  async #ask(method: string, args: readonly unknown[], signal?: AbortSignal) {
    const late = new ProxyError(`no answer to ${method} in ${answerTimeoutMs / 1000} s`);
    const timer = setTimeout(() => this.#channel.end(late), answerTimeoutMs);
    try {
      return await this.#channel.ask(method, args, signal);
    } catch (error) {
      if (signal?.aborted && !this.isIdle) {
        this.#isStuck = true;
        if (this.#streams === 0) this[Symbol.dispose]();
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > metadataLimitBytes) {
      throw new ProxyError(`it is longer than ${metadataLimitBytes} bytes`);
    }
    // The next one may come in the same memory.
    parts.push(new Uint8Array(chunk));
  }
  return Buffer.concat(parts);
}
