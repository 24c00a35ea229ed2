/**
 * The entries of a layer as its bytes arrive, without applying it.
 *
 * @module
 */

import { LayerError } from "./layer_error.ts";
import { PlainStream, streamBuffer, truncated } from "./plain_stream.ts";
import { blockBytes } from "./tar_header.ts";
import { type TarEntry, TarReader } from "./tar_reader.ts";

export interface ReadEntriesOptions {
  /** Whose content is wanted; of one that is larger than `maxTextBytes` it is not given. */
  readonly wantsText: (entry: TarEntry) => boolean;
  readonly maxTextBytes: number;
  /** More plain bytes of the layer are refused. */
  readonly maxPlainBytes: number;
}

/** Thrown out of the reader where it wants bytes that have not arrived. */
class NotYet extends Error {}

/** What a header takes, most of the time: no more is copied for each entry. */
const stepBytes = 2 * blockBytes;

/**
 * Reads the entries of a plain tar stream one by one.
 *
 * The reader of archives waits for no bytes, so it begins anew at the entry's first byte where some are missing. They
 * come in chunks of many entries.
 *
 * @param plain each chunk is good until the next is asked for.
 * @throws {LayerError} when the stream is no well-formed archive, or too long.
 */
export async function* readEntries(
  plain: AsyncIterable<Uint8Array>,
  options: ReadEntriesOptions,
): AsyncGenerator<{ readonly entry: TarEntry; readonly text: string | undefined }, void, void> {
  await using held = new HeldBytes(plain, options.maxPlainBytes);
  const buffer = streamBuffer();
  for (;;) {
    const entry = await nextEntry(held, buffer);
    if (entry === undefined) return;
    const { storedBytes } = entry;
    const isWanted = storedBytes <= options.maxTextBytes && options.wantsText(entry);
    const text = isWanted ? await held.text(storedBytes) : undefined;
    const paddedBytes = Math.ceil(storedBytes / blockBytes) * blockBytes;
    await held.skip(isWanted ? paddedBytes - storedBytes : paddedBytes);
    yield { entry, text };
  }
}

async function nextEntry(
  held: HeldBytes,
  buffer: ReturnType<typeof streamBuffer>,
): Promise<TarEntry | undefined> {
  for (;;) {
    let offset = 0;
    const stream = new PlainStream(
      (into, at, length) => {
        const count = held.bytes.copy(into, at, offset, offset + Math.min(length, stepBytes));
        if (count === 0 && !held.isWhole) throw new NotYet();
        offset += count;
        return count;
      },
      { buffer },
    );
    try {
      const entry = new TarReader(stream).next();
      held.pass(stream.takenBytes);
      return entry;
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      await held.more();
    }
  }
}

/** Bytes that have arrived and were not taken. */
class HeldBytes implements AsyncDisposable {
  bytes: Buffer = Buffer.alloc(0);
  /** No more will come. */
  isWhole = false;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  #total = 0;

  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#maxBytes = maxBytes;
  }

  /** Waits for some more; the end is seen by {@linkcode isWhole}. */
  async more(): Promise<void> {
    const rest = Buffer.from(this.bytes);
    const { value, done } = await this.#source.next();
    if (done === true) {
      this.isWhole = true;
      this.bytes = rest;
      return;
    }
    this.#total += value.length;
    if (this.#total > this.#maxBytes)
      throw new LayerError(`it unpacks to more than ${this.#maxBytes} bytes`, { isLimit: true });
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  }

  /** Passes over bytes that are here. */
  pass(count: number): void {
    this.bytes = this.bytes.subarray(count);
  }

  /** Passes over the next bytes; an archive may end in the padding of its last entry. */
  async skip(count: number): Promise<void> {
    let left = count;
    while (left > this.bytes.length && !this.isWhole) {
      left -= this.bytes.length;
      this.bytes = this.bytes.subarray(this.bytes.length);
      await this.more();
    }
    this.pass(Math.min(left, this.bytes.length));
  }

  /** @throws {LayerError} when there are fewer. */
  async text(count: number): Promise<string> {
    while (this.bytes.length < count && !this.isWhole) await this.more();
    if (this.bytes.length < count) throw truncated();
    const text = this.bytes.toString("latin1", 0, count);
    this.pass(count);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.return?.();
  }
}
