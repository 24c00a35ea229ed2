/**
 * Who does the work of a copy: this process, and children of it with a pipe to
 * and from each.
 *
 * @module
 */

import { closeSync, writeSync } from "node:fs";
import process from "node:process";
import { EntryCopier, type EntryCopierOptions } from "./copy_tree_entries.ts";
import { FrameCollector, type FrameReader, readFrame } from "./copy_tree_frame.ts";
import { growPipe, makePipe } from "../host/libc.ts";
import { quickStart, selfCommand } from "../host/self.ts";
import type { Child, Spawn } from "../host/spawn.ts";

/** Does frames one after another. */
export interface Worker extends AsyncDisposable {
  /** How many frames it is given at a time: all but one wait in its pipe. */
  readonly depth: number;
  /** Whether it has begun, as far as is known. */
  readonly isUp: boolean;
  /** Whether the others do better without it. */
  readonly isSpare: boolean;
  /** @returns the reply, in the order of the frames. */
  run(frame: Uint8Array<ArrayBuffer>): Promise<FrameReader>;
}

/**
 * This very process as a worker, until all the others are up: they have the
 * processors then. Between frames it hears signals and the other workers.
 */
export function workHere(options: EntryCopierOptions, others: readonly Worker[]): Worker {
  const copier = new EntryCopier(options);
  return {
    depth: 1,
    isUp: true,
    get isSpare() {
      return others.length > 0 && others.every(({ isUp }) => isUp);
    },
    async run(frame) {
      const umask = process.umask(0);
      let reply: FrameReader;
      try {
        reply = readFrame(copier.run(readFrame(frame)));
      } finally {
        process.umask(umask);
      }
      await new Promise((resolve) => setImmediate(resolve));
      return reply;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Frames wait in the pipe: a worker never waits for us. */
const pipeBytes = 1024 * 1024;

/** Starts a child as a worker. */
export function startWorker(spawn: Spawn, options: EntryCopierOptions): Worker {
  const [toChild, toUs] = [makePipe(), makePipe()];
  growPipe(toChild.writeEnd, pipeBytes);
  growPipe(toUs.writeEnd, pipeBytes);
  let child: Child;
  try {
    child = spawn(
      [
        ...selfCommand("copy-tree"),
        ...(options.reflink ? ["--reflink"] : []),
        ...(options.bornToRoot ? ["--born-to-root"] : []),
      ],
      {
        stdin: toChild.readEnd,
        stdout: toUs.writeEnd,
        descriptors: [options.from, options.to],
        env: quickStart,
      },
    );
  } catch (error) {
    for (const end of [toChild.writeEnd, toUs.readEnd]) closeSync(end);
    throw error;
  } finally {
    for (const end of [toChild.readEnd, toUs.writeEnd]) closeSync(end);
  }
  return new ChildWorker(child, toChild.writeEnd, toUs.readEnd);
}

class ChildWorker implements Worker {
  readonly depth = 3;
  readonly isSpare = false;
  isUp = false;
  private readonly child: Child;
  private readonly input: number;
  private readonly output: number;
  private readonly waiting: PromiseWithResolvers<FrameReader>[] = [];
  private readonly ended: Promise<void>;

  constructor(child: Child, input: number, output: number) {
    this.child = child;
    this.input = input;
    this.output = output;
    this.ended = this.receive();
  }

  run(frame: Uint8Array<ArrayBuffer>): Promise<FrameReader> {
    const reply = Promise.withResolvers<FrameReader>();
    this.waiting.push(reply);
    try {
      for (let at = 0; at < frame.length;) at += writeSync(this.input, frame, at);
    } catch {
      // It is gone: what it said stands in the error of receive().
    }
    return reply.promise;
  }

  /** Reads replies until the child ends; what still waits then has failed. */
  private async receive(): Promise<void> {
    const frames = new FrameCollector();
    // Not by node:fs: each of its reads that waits takes a thread, of which there are as many as processors.
    for await (const chunk of Bun.file(this.output).stream()) {
      frames.put(chunk);
      this.isUp = true;
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        this.waiting.shift()?.resolve(frame);
      }
    }
    if (this.waiting.length === 0) return;
    const failure = await this.child.done().then(
      () => new Error("a child of the copy ended before its work was done"),
      (error: unknown) => error,
    );
    for (const reply of this.waiting) reply.reject(failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It ends by itself at the end of its input; not worth waiting for are work that nobody
    // waits for, and a start that came too late.
    if (this.waiting.length > 0 || !this.isUp) this.child.kill();
    closeSync(this.input);
    await this.ended;
    await this.child.done().catch(() => {});
    closeSync(this.output);
  }
}
