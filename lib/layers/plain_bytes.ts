/**
 * The plain bytes of a layer in this process, for who wants to look at some of them: what is applied goes by
 * feed_layer.ts.
 *
 * @module
 */

import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { detectCompression, magicBytes, ownDecompressor } from "./decompressor.ts";

/**
 * Decompresses by our own code, as the bytes themselves say. Whoever has seen enough stops asking: that ends the source.
 *
 * @param bytes each chunk is good until the next is asked for; those that come out likewise.
 * @param sizeBytes how many there will be.
 */
export async function* plainBytes(
  bytes: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = copies(bytes);
  try {
    const start: Uint8Array[] = [];
    while (lengthOf(start) < magicBytes) {
      const { value, done } = await chunks.next();
      if (done === true) break;
      start.push(value);
    }
    const through = ownDecompressor(detectCompression(Buffer.concat(start)), sizeBytes);
    const all = joined(start, chunks);
    if (through === undefined) yield* all;
    else yield* decompressed(all, through);
  } finally {
    // Not waited for: it may itself wait for bytes that never come.
    void chunks.return();
  }
}

async function* decompressed(
  chunks: AsyncIterable<Uint8Array>,
  through: Transform,
): AsyncGenerator<Uint8Array, void, void> {
  const feeding = pipeline(chunks, through);
  // Its failure is also that of the stream which is read.
  feeding.catch(() => {});
  try {
    for await (const chunk of through) yield chunk;
    await feeding;
  } finally {
    through.destroy();
  }
}

/** What a decompressor holds on to must not be overwritten. */
async function* copies(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of bytes) yield Buffer.from(chunk);
}

async function* joined(
  start: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  yield* start;
  yield* rest;
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}
