/**
 * The plain bytes of a layer, read into one buffer that is used again and again,
 * counted, bounded and hashed on their way.
 *
 * @module
 */

import { type Address, fixedMemory } from "../host/libc_at.ts";
import { LayerError } from "./layer_error.ts";

/** A buffer, and where it lies: what is in it goes to system calls by its address. */
export interface StreamBuffer {
  readonly bytes: Buffer;
  readonly address: Address;
}

/** Makes a buffer for streams; one serves one after the other. */
export function streamBuffer(bytes: number = readBytes): StreamBuffer {
  const memory = fixedMemory(bytes);
  return { bytes: Buffer.from(memory.bytes.buffer), address: memory.address };
}

/**
 * Where the bytes come from: puts at most `length` of them at `offset` of the
 * buffer, and answers how many; 0 is the end.
 */
export type ReadInto = (buffer: Buffer, offset: number, length: number) => number;

/** Takes bytes as they lie in the buffer: `address` is that of the first. */
export type TakeBytes = (address: Address, length: number) => void;

/** What a stream needs to know of a hash. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
}

export interface PlainStreamOptions {
  readonly buffer?: StreamBuffer | undefined;
  readonly hash?: Hash | undefined;
  /** More bytes than these are refused. */
  readonly maxBytes?: number | undefined;
}

/** What a system call moves at once: more falls out of the processor's cache between reading, hashing and writing. */
export const readBytes = 256 * 1024;

/** Tells that the stream ended in the middle of something. */
export function truncated(): LayerError {
  return new LayerError("the layer ends in the middle of it: it is truncated");
}

/** A layer on its way: whoever reads it takes what lies in the buffer, and asks for more. */
export class PlainStream {
  readonly buffer: StreamBuffer;
  /** Where the unread bytes begin in the buffer. */
  position = 0;
  readonly #read: ReadInto;
  readonly #hash: Hash | undefined;
  readonly #maxBytes: number;
  #end = 0;
  #total = 0;

  constructor(read: ReadInto, { buffer, hash, maxBytes }: PlainStreamOptions = {}) {
    this.#read = read;
    this.buffer = buffer ?? streamBuffer();
    this.#hash = hash;
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY;
  }

  /** How many bytes have come. */
  get totalBytes(): number {
    return this.#total;
  }

  /** How many of them were taken, or passed over. */
  get takenBytes(): number {
    return this.#total - (this.#end - this.position);
  }

  /**
   * Has `length` bytes lie at `position`, one after the other.
   *
   * @returns false at the end of the stream, or where it ends before that many.
   */
  has(length: number): boolean {
    while (this.#end - this.position < length) {
      if (this.position + length > this.buffer.bytes.length) this.#moveToFront();
      if (!this.#fill()) return false;
    }
    return true;
  }

  /** Whether the stream is at its end: nothing was left when {@linkcode has} said no. */
  get isEmpty(): boolean {
    return this.#end === this.position;
  }

  /** A copy of the next bytes, Latin-1. */
  takeText(length: number): string {
    const parts: string[] = [];
    this.take(length, (address, count) => {
      const at = address - this.buffer.address;
      parts.push(this.buffer.bytes.toString("latin1", at, at + count));
    });
    return parts.join("");
  }

  /**
   * Hands the next bytes over, as they come.
   *
   * @throws {LayerError} when there are fewer.
   */
  take(length: number, to: TakeBytes): void {
    for (let left = length; left > 0;) {
      const there = this.#end - this.position;
      if (there === 0) {
        if (!this.#fill()) throw truncated();
        continue;
      }
      const count = Math.min(left, there);
      to(this.buffer.address + this.position, count);
      this.position += count;
      left -= count;
    }
  }

  /** Passes over the next bytes; an archive may end in the padding of its last entry. */
  skip(length: number): void {
    for (let left = length; left > 0;) {
      const there = this.#end - this.position;
      if (there === 0 && !this.#fill()) return;
      const count = Math.min(left, this.#end - this.position);
      this.position += count;
      left -= count;
    }
  }

  /** Reads on to the end. */
  drain(): void {
    do this.position = this.#end;
    while (this.#fill());
  }

  #moveToFront(): void {
    this.buffer.bytes.copyWithin(0, this.position, this.#end);
    this.#end -= this.position;
    this.position = 0;
  }

  /** Reads once more; all that was read is taken, or there is room behind it. */
  #fill(): boolean {
    const { bytes } = this.buffer;
    if (this.position === this.#end) this.position = this.#end = 0;
    const count = this.#read(bytes, this.#end, bytes.length - this.#end);
    if (count === 0) return false;
    this.#hash?.update(bytes.subarray(this.#end, this.#end + count));
    this.#end += count;
    this.#total += count;
    if (this.#total > this.#maxBytes) {
      throw new LayerError(
        `it unpacks to more than ${this.#maxBytes} bytes, which is more than its size allows for`,
        { isLimit: true },
      );
    }
    return true;
  }
}
