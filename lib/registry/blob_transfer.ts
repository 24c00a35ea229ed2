/**
 * The bytes of one blob on their way into a sink, counted and hashed.
 *
 * @module
 */

import { closeSync, openSync, readSync } from "node:fs";
import { interrupted } from "../host/run.ts";
import type { BlobId, BlobSource } from "../image/blob_source.ts";
import { digestAlgorithm, digestHex } from "../image/digest.ts";
import { BlobFault } from "./blob_fault.ts";
import { Patience, type PatienceOptions } from "./patience.ts";

/** Where the bytes go: a file that grows. */
export interface BlobSink {
  /** How many bytes are there. */
  readonly sizeBytes: number;
  /** The file, for what is there already, and for messages. */
  readonly path: string;
  /** Appends; the chunk is the source's, and is not kept. A promise holds up the transfer. */
  append(chunk: Uint8Array): void | Promise<void>;
  /** Throws away what is there. */
  restart(): void;
}

/** The bytes of one blob as far as they are there, and their hash. */
export class BlobTransfer {
  done = 0;
  readonly #blob: BlobId;
  readonly #sink: BlobSink;
  #hash: Bun.CryptoHasher;

  constructor(blob: BlobId, sink: BlobSink) {
    this.#blob = blob;
    this.#sink = sink;
    this.#hash = new Bun.CryptoHasher(digestAlgorithm(blob.digest));
  }

  restart(): void {
    this.#sink.restart();
    this.done = 0;
    this.#hash = new Bun.CryptoHasher(digestAlgorithm(this.#blob.digest));
  }

  /** Hashes what an earlier run left in the sink. */
  async readPresent(signal: AbortSignal | undefined): Promise<void> {
    const { sizeBytes, path } = this.#sink;
    if (sizeBytes === 0) return;
    if (sizeBytes > this.#blob.sizeBytes) return this.restart();
    const buffer = new Uint8Array(1 << 20);
    const file = openSync(path, "r");
    try {
      while (this.done < sizeBytes) {
        const count = readSync(
          file,
          buffer,
          0,
          Math.min(buffer.length, sizeBytes - this.done),
          this.done,
        );
        // Shorter than it says: what cannot be read is not there.
        if (count === 0) return this.restart();
        this.#hash.update(buffer.subarray(0, count));
        this.done += count;
        if (signal?.aborted) throw interrupted();
        // Other downloads go on meanwhile.
        if (this.done % (16 << 20) === 0) await Bun.sleep(0);
      }
    } finally {
      closeSync(file);
    }
  }

  /** One try: what is missing, and the verdict on the whole. */
  async run(source: BlobSource, options: PatienceOptions) {
    if (this.done < this.#blob.sizeBytes) await this.#fetch(source, options);
    const { digest, sizeBytes } = this.#blob;
    if (this.done < sizeBytes) {
      throw new BlobFault("broken", `it ended after ${this.done} of ${sizeBytes} bytes`);
    }
    const found = this.#hash.digest("hex");
    if (found !== digestHex(digest)) {
      throw new BlobFault("damaged", "its bytes are not those that its digest was made of");
    }
  }

  async #fetch(source: BlobSource, options: PatienceOptions) {
    using patience = new Patience(options);
    const opening = source.open(this.#blob, this.done, patience.signal);
    // Given up, it may still open: it is closed then.
    opening.then(
      ({ chunks }) => {
        if (patience.signal.aborted) void close(chunks[Symbol.asyncIterator]());
      },
      () => {},
    );
    const stream = await patience.wait(opening);
    const chunks = stream.chunks[Symbol.asyncIterator]();
    let isAtEnd = false;
    try {
      // A source that cannot begin in the middle: what is there already is left out, not thrown away.
      let extra = this.done - stream.offset;
      if (extra < 0) throw new BlobFault("broken", "it began behind the byte that was asked for");
      for (;;) {
        const next = await patience.wait(chunks.next()).catch((error: unknown) => {
          // All bytes are there: how the connection ends is all the same.
          if (this.done === this.#blob.sizeBytes && !options.signal?.aborted) return undefined;
          throw error;
        });
        isAtEnd = next?.done ?? false;
        if (next === undefined || next.done === true) return;
        const { value } = next;
        if (extra === 0) await this.#append(value);
        else if (value.length > extra) await this.#append(value.subarray(extra));
        extra -= Math.min(extra, value.length);
      }
    } finally {
      if (!isAtEnd) await close(chunks);
    }
  }

  async #append(chunk: Uint8Array): Promise<void> {
    if (this.done + chunk.length > this.#blob.sizeBytes) {
      throw new BlobFault("damaged", `there are more than its ${this.#blob.sizeBytes} bytes`);
    }
    let wait: void | Promise<void>;
    try {
      wait = this.#sink.append(chunk);
      this.#hash.update(chunk);
      if (wait !== undefined) await wait;
    } catch (error) {
      throw new SinkError(error);
    }
    this.done += chunk.length;
  }
}

/** What the sink threw: no fault of a source. */
export class SinkError extends Error {
  constructor(cause: unknown) {
    super("the sink failed", { cause });
  }
}

/** Lets a source clean up. One that never comes back is not waited for. */
async function close(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, 1000);
  Promise.resolve(chunks.return?.()).then(() => resolve(), resolve);
  await promise;
  clearTimeout(timer);
}
