/**
 * Frames: four bytes of length, big-endian, then as many bytes of JSON in UTF-8. Pure.
 *
 * @module
 */

import { CallError } from "./call_error.ts";

/** Longest request, in bytes: argv. Linux takes no more than 2 MiB for argv and environment, and 128 KiB for a word (execve(2)). */
export const requestLimit = 1024 * 1024;
/** Longest of all other frames, in bytes. */
export const controlLimit = 16 * 1024;

const headerBytes = 4;

/** A value as one frame. */
export function encodeFrame(value: unknown): Uint8Array<ArrayBuffer> {
  const body = Buffer.from(JSON.stringify(value));
  const frame = new Uint8Array(headerBytes + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, headerBytes);
  return frame;
}

/** Puts frames together again, however the stream was cut. */
export class FrameReader {
  /** Longest frame that is taken, in bytes. */
  limit: number;
  readonly #header = new Uint8Array(headerBytes);
  #headerLength = 0;
  #body: Uint8Array | undefined;
  #bodyLength = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Reads one frame.
   *
   * @param bytes what has arrived; they may be used again afterwards.
   * @returns how many of them it took, and the frame's value once it is whole.
   * @throws {CallError} for a frame that is too long, and one that is no JSON.
   */
  read(bytes: Uint8Array): { readonly taken: number; readonly value?: { readonly of: unknown } } {
    let taken = 0;
    if (this.#headerLength < headerBytes) {
      const part = bytes.subarray(0, headerBytes - this.#headerLength);
      this.#header.set(part, this.#headerLength);
      this.#headerLength += part.length;
      taken = part.length;
      if (this.#headerLength < headerBytes) return { taken };
    }
    this.#body ??= this.#makeBody();
    const part = bytes.subarray(taken, taken + this.#body.length - this.#bodyLength);
    this.#body.set(part, this.#bodyLength);
    this.#bodyLength += part.length;
    taken += part.length;
    if (this.#bodyLength < this.#body.length) return { taken };
    const body = this.#body;
    this.#headerLength = 0;
    this.#bodyLength = 0;
    this.#body = undefined;
    return { taken, value: { of: parseBody(body) } };
  }

  #makeBody(): Uint8Array {
    const length = new DataView(this.#header.buffer).getUint32(0);
    if (length > this.limit) {
      throw new CallError(
        125,
        `Cannot read a frame of ${length} bytes: the limit is ${this.limit}`,
      );
    }
    return new Uint8Array(length);
  }
}

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    // Also for what nests deeper than the stack.
    throw new CallError(125, "Cannot read a frame: it is no JSON in UTF-8");
  }
}
