/**
 * What the copy of a tree and its children tell each other: frames of records.
 * A record is a letter and its fields; names are bytes that end with NUL, used
 * where they lie.
 *
 * ```text
 * frame   length (32 bits, of what follows), records
 * to a child
 *   D path              the directory in which the following names are
 *   R name              copy a regular file; one that has several names is told back instead (L)
 *   F name              copy a regular file or whatever else, the first of its names
 *   N name              copy what is neither a directory nor a regular file
 *   S name from to      copy a part of a large file
 *   E name              the attributes of a large file of which all parts are there
 *   H path name         another name of what was copied
 *   A path              the attributes of a directory
 * back, for each frame one
 *   L path inode        has several names; the inode with its device, as text
 *   B path size         is large: made, and empty
 *   W text              an attribute that could not be kept
 *   X path text         the copy has failed
 * ```
 *
 * @module
 */

import { type Address, type FixedMemory, fixedMemory } from "../host/libc_at.ts";

/** The letter of a record. */
export type Op = "A" | "B" | "D" | "E" | "F" | "H" | "L" | "N" | "R" | "S" | "W" | "X";

const headBytes = 4;

/** Frames grow beyond this only for a single long record. */
const frameBytes = 16 * 1024;

/** Builds frames, in memory that is used again. */
export class FrameWriter {
  private memory = fixedMemory(2 * frameBytes);
  private length = headBytes;
  records = 0;

  get isEmpty(): boolean {
    return this.length === headBytes;
  }
  get isFull(): boolean {
    return this.length >= frameBytes;
  }

  op(letter: Op): this {
    this.reserve(1);
    this.memory.bytes[this.length++] = letter.charCodeAt(0);
    this.records++;
    return this;
  }

  name(bytes: Uint8Array): this {
    this.reserve(bytes.length + 1);
    this.memory.bytes.set(bytes, this.length);
    this.length += bytes.length;
    this.memory.bytes[this.length++] = 0;
    return this;
  }

  number(value: number): this {
    this.reserve(8);
    this.memory.view.setFloat64(this.length, value, true);
    this.length += 8;
    return this;
  }

  /** The frame as a copy of its own; the writer begins the next one. */
  take(): Uint8Array<ArrayBuffer> {
    this.memory.view.setUint32(0, this.length - headBytes, true);
    const frame = this.memory.bytes.slice(0, this.length);
    this.length = headBytes;
    this.records = 0;
    return frame;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.memory.bytes.length) return;
    const larger = fixedMemory(2 * (this.length + more));
    larger.bytes.set(this.memory.bytes.subarray(0, this.length));
    this.memory = larger;
  }
}

/** Reads the records of a frame, in the order of their fields. */
export class FrameReader {
  private readonly memory: FixedMemory;
  private readonly end: number;
  private at: number;

  /** @param memory holds the records, without the frame's length. */
  constructor(memory: FixedMemory, length: number) {
    this.memory = memory;
    this.end = length;
    this.at = 0;
  }

  get isDone(): boolean {
    return this.at >= this.end;
  }

  op(): Op {
    return String.fromCharCode(this.memory.bytes[this.at++] ?? 0) as Op;
  }

  /** Where the last name lies; it ends with NUL. */
  nameAddress: Address = 0;

  /** A name's bytes, without the NUL: a view, valid as long as the frame is. */
  name(): Uint8Array<ArrayBuffer> {
    const start = this.at;
    const end = this.memory.bytes.indexOf(0, start);
    this.at = end + 1;
    this.nameAddress = this.memory.address + start;
    return this.memory.bytes.subarray(start, end);
  }

  number(): number {
    const value = this.memory.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }
}

/** Puts frames together from a stream of chunks. */
export class FrameCollector {
  private memory = fixedMemory(4 * frameBytes);
  private filled = 0;

  /** Where the next chunk is to be read to. */
  get room(): Uint8Array<ArrayBuffer> {
    if (this.filled === this.memory.bytes.length) this.grow();
    return this.memory.bytes.subarray(this.filled);
  }

  /** Tells that so many bytes were read to {@linkcode room}. */
  add(length: number): void {
    this.filled += length;
  }

  /** Takes a chunk that was read elsewhere. */
  put(chunk: Uint8Array): void {
    while (this.memory.bytes.length - this.filled < chunk.length) this.grow();
    this.memory.bytes.set(chunk, this.filled);
    this.filled += chunk.length;
  }

  /** The next whole frame, or undefined when more has to be read. It is a copy: what was read may move. */
  next(): FrameReader | undefined {
    if (this.filled < headBytes) return undefined;
    const length = this.memory.view.getUint32(0, true);
    if (this.filled < headBytes + length) return undefined;
    const frame = fixedMemory(Math.max(length, 1));
    frame.bytes.set(this.memory.bytes.subarray(headBytes, headBytes + length));
    this.memory.bytes.copyWithin(0, headBytes + length, this.filled);
    this.filled -= headBytes + length;
    return new FrameReader(frame, length);
  }

  private grow(): void {
    const larger = fixedMemory(2 * this.memory.bytes.length);
    larger.bytes.set(this.memory.bytes);
    this.memory = larger;
  }
}

/** A frame that was just written, to be read in the same process. */
export function readFrame(frame: Uint8Array): FrameReader {
  const memory = fixedMemory(Math.max(frame.length - headBytes, 1));
  memory.bytes.set(frame.subarray(headBytes));
  return new FrameReader(memory, frame.length - headBytes);
}
