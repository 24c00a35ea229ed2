/**
 * The bytes of a layer, from wherever they are, through a decompressor into the
 * pipe that the applying process reads: plain bytes never wait for JavaScript where
 * a program of the host decompresses them.
 *
 * @module
 */

import { closeSync, openSync, read, readFileSync, readSync, write } from "node:fs";
import type { Transform } from "node:stream";
import { promisify } from "node:util";
import { isErrno } from "../host/files.ts";
import { growPipe, makePipe } from "../host/libc.ts";
import type { Child, Spawn } from "../host/spawn.ts";
import {
  type Decompressors,
  decompressorProgram,
  detectCompression,
  magicBytes,
  ownDecompressor,
} from "./decompressor.ts";
import { feedGrowing, type GrowingFile } from "./growing_file.ts";

/** Bytes as they arrive; with a file in which they all are, those need not pass through us. */
export interface ArrivingBytes extends AsyncIterable<Uint8Array> {
  readonly growing?: GrowingFile;
}

/** The compressed bytes of a layer: a whole file, or bytes as they arrive. */
export type LayerBytes = { readonly path: string } | ArrivingBytes;

export interface FeedTools {
  readonly spawn: Spawn;
  readonly decompressors: Decompressors;
  /** How many compressed bytes the layer shall have. */
  readonly sizeBytes: number;
  /** Told how many compressed bytes have been taken. */
  readonly onBytes: (done: number) => void;
  /** Rejects when nobody wants the bytes any more. */
  readonly stopped: Promise<never>;
}

/** What went wrong with a layer's bytes before they were decompressed: not the layer's fault. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}

/** F_SETPIPE_SZ: what a user may ask for by default; the kernel's own 64 KiB cost half as much again. */
export const pipeBytes = 1024 * 1024;
const chunkBytes = 512 * 1024;
const progressMs = 100;

const readAsync = promisify(read);
const writeAsync = promisify(write);

/**
 * Feeds one layer to its end.
 *
 * @param pipe the descriptor to write to; it is closed.
 * @throws {SourceError} with the cause, when the bytes could not be had;
 * {CommandError | Error} when they could not be decompressed.
 */
export async function feedLayer(bytes: LayerBytes, pipe: number, tools: FeedTools): Promise<void> {
  const end = new Descriptor(pipe);
  try {
    if ("path" in bytes) await feedFile(bytes.path, end, tools);
    else await feedChunks(bytes, end, tools);
  } finally {
    end.close();
  }
}

async function feedFile(path: string, end: Descriptor, tools: FeedTools): Promise<void> {
  using file = new Descriptor(fromSource(() => openSync(path, "r")));
  const start = new Uint8Array(magicBytes);
  const there = fromSource(() => readSync(file.number, start, 0, magicBytes, 0));
  const compression = detectCompression(start.subarray(0, there));
  const program = decompressorProgram(compression, tools.decompressors, tools.sizeBytes);
  if (program === undefined) {
    await pump(chunksOf(file.number), ownDecompressor(compression, tools.sizeBytes), end, tools);
    return;
  }
  const child = tools.spawn(program, { stdin: file.number, stdout: end.number });
  end.close();
  // It reads by our descriptor, so how far it is stands there.
  const tell = () => tools.onBytes(positionOf(file.number));
  const timer = setInterval(tell, progressMs);
  try {
    await child.done();
    tell();
  } finally {
    clearInterval(timer);
    await ended(child);
  }
}

async function feedChunks(bytes: ArrivingBytes, end: Descriptor, tools: FeedTools): Promise<void> {
  const chunks = untilStopped(bytes, tools.stopped);
  const first: Uint8Array[] = [];
  let start = new Uint8Array();
  try {
    while (start.length < magicBytes) {
      const { value, done } = await chunks.next();
      if (done === true) break;
      // What is given may be overwritten when more is asked for.
      first.push(value.slice());
      start = Buffer.concat(first).subarray(0, magicBytes);
    }
    const all = joined(first, chunks);
    const compression = detectCompression(start);
    const program = decompressorProgram(compression, tools.decompressors, tools.sizeBytes);
    if (program === undefined || compression === "none") {
      await pump(all, ownDecompressor(compression, tools.sizeBytes), end, tools);
      return;
    }
    const pipe = makePipe();
    using input = new Descriptor(pipe.writeEnd);
    using output = new Descriptor(pipe.readEnd);
    growPipe(input.number, pipeBytes);
    const child = tools.spawn(program, { stdin: output.number, stdout: end.number });
    output.close();
    end.close();
    try {
      const { growing } = bytes;
      const moved =
        growing === undefined
          ? pump(all, undefined, input, tools)
          : feedGrowing(growing, input.number, tools.stopped, tools.onBytes).catch(growingFailed);
      const pumped = moved.finally(() => input.close());
      await Promise.all([pumped, child.done()]);
    } finally {
      await ended(child);
    }
  } finally {
    void chunks.return(undefined);
  }
}

/** Resolves when a program is gone, however it goes. */
async function ended(child: Child): Promise<void> {
  child.kill();
  await child.done().catch(() => {});
}

/** Moves chunks through a decompressor of ours into a pipe: one is decompressed while the one before is written. */
async function pump(
  chunks: AsyncIterable<Uint8Array>,
  through: Transform | undefined,
  end: Descriptor,
  { onBytes }: FeedTools,
): Promise<void> {
  let done = 0;
  const count = (chunk: Uint8Array) => {
    done += chunk.length;
    onBytes(done);
  };
  if (through === undefined) {
    for await (const chunk of chunks) {
      await writeAll(end.number, chunk);
      count(chunk);
    }
    return;
  }
  const input = async () => {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) =>
        through.write(chunk, (error) => (error ? reject(error) : resolve())),
      );
      count(chunk);
    }
    through.end();
  };
  const output = async () => {
    for await (const chunk of through) await writeAll(end.number, chunk);
  };
  const fail = (error: unknown) => {
    through.destroy();
    throw error;
  };
  await Promise.all([input().catch(fail), output()]);
}

async function writeAll(file: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await writeAsync(file, bytes, at, bytes.length - at, null)).bytesWritten;
  }
}

async function* chunksOf(file: number): AsyncGenerator<Uint8Array, void, void> {
  const buffer = new Uint8Array(chunkBytes);
  for (;;) {
    const { bytesRead } = await readAsync(file, buffer, 0, chunkBytes, null).catch(sourceFailed);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Chunks as they come, until there are none or nobody wants more; a source that stalls holds up nobody then. */
async function* untilStopped(
  bytes: AsyncIterable<Uint8Array>,
  stopped: Promise<never>,
): AsyncGenerator<Uint8Array, void, void> {
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next().catch(sourceFailed);
      const { value, done } = await Promise.race([next, stopped]);
      if (done === true) return;
      yield value;
    }
  } finally {
    // Not waited for: it may itself wait for bytes that never come.
    iterator.return?.()?.catch(() => {});
  }
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  yield* first;
  yield* rest;
}

/** A reader that has gone says itself why. */
function growingFailed(error: unknown): void {
  if (!isErrno(error, "EPIPE")) sourceFailed(error);
}

function sourceFailed(error: unknown): never {
  throw new SourceError("The bytes of a layer could not be had", { cause: error });
}

function fromSource<Result>(ask: () => Result): Result {
  try {
    return ask();
  } catch (error) {
    return sourceFailed(error);
  }
}

/** How far an open file has been read, by whoever shares it (proc(5), fdinfo). */
function positionOf(file: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${file}`, "latin1");
  return Number(/^pos:\s*(\d+)/m.exec(text)?.[1] ?? 0);
}

/** An open descriptor that is closed once. */
class Descriptor implements Disposable {
  readonly number: number;
  #isOpen = true;

  constructor(number: number) {
    this.number = number;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.number);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
