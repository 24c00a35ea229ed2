/**
 * Copies a whole tree: type, mode, owner, times to the nanosecond, extended
 * attributes with capabilities and ACLs, links and what they lead to, groups of
 * hard links, devices, holes. Two processes do it where there are two processors.
 *
 * This process walks the tree, makes directories, and deals entries to its
 * children as they ask for more; until they are up, and where a tree is small, it
 * copies them itself. Names of one file are told back and linked at the
 * end; a large file is dealt in parts; directories get their attributes when
 * nothing is made in them any more.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import process from "node:process";
import { MbctlError } from "../errors.ts";
import { startWorker, type Worker, workHere } from "./copy_tree_crew.ts";
import type { EntryCopierOptions } from "./copy_tree_entries.ts";
import { type FrameReader, FrameWriter } from "./copy_tree_frame.ts";
import { walkTree } from "./copy_tree_walk.ts";
import { AT_EMPTY_PATH, close, fixedName } from "../host/libc_at.ts";
import { removeFileXattr, setFileMode, Stat } from "../host/libc_open.ts";
import { SyscallError } from "../host/libc.ts";
import { openRoot } from "./open_path.ts";
import { interrupted } from "../host/run.ts";
import type { Spawn } from "../host/spawn.ts";

export interface CopyTreeOptions {
  readonly spawn: Spawn;
  readonly signal?: AbortSignal | undefined;
  /** Whether files are to share their blocks, where the file system lets them; default false. */
  readonly reflink?: boolean | undefined;
  /** Told once of each extended attribute that the target cannot hold. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Most processes that copy; default: as many as there are processors, and no more than four. */
  readonly processes?: number | undefined;
}

/** More than this many processes wait for one another in the file system. */
const mostProcesses = 4;
/** A large file is dealt in parts of this size, and in no more than that many. */
const partBytes = 16 * 1024 * 1024;
const mostParts = 256;

/**
 * Copies what is in a tree, and the root's own attributes, to an empty directory.
 * Nobody may write to either meanwhile. No link is followed. What was written may
 * not lie on the disk yet.
 *
 * A failed or interrupted copy leaves a part behind: the caller removes it.
 *
 * @throws {MbctlError} (failed) with the entry that could not be copied; (interrupted).
 */
export async function copyTree(from: string, to: string, options: CopyTreeOptions): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) throw interrupted();
  const source = openRoot(from);
  try {
    const target = openRoot(to);
    try {
      const bornToRoot = prepareRoot(target);
      const work = { from: source, to: target, reflink: options.reflink ?? false, bornToRoot };
      await new TreeCopy(from, to, work, options).run();
    } finally {
      close(target);
    }
  } finally {
    close(source);
  }
}

/**
 * Takes from the new root what it inherited from the folder in which it was made,
 * so that nothing in it inherits anything.
 *
 * @returns whether what is made in it belongs to root.
 */
function prepareRoot(target: number): boolean {
  for (const name of ["system.posix_acl_default", "system.posix_acl_access"]) {
    try {
      removeFileXattr(target, fixedName(name).address);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (!["ENODATA", "ENOTSUP"].includes(error.code)) throw error;
    }
  }
  setFileMode(target, 0o700);
  const stat = new Stat().read(target, fixedName("").address, AT_EMPTY_PATH);
  return stat.uid === 0 && stat.gid === 0 && process.geteuid?.() === 0 && process.getegid?.() === 0;
}

/** One copy, from its first frame to its last. */
class TreeCopy {
  private readonly from: string;
  private readonly to: string;
  private readonly work: EntryCopierOptions;
  private readonly options: CopyTreeOptions;
  private readonly warned = new Set<string>();
  /** Frames that replies asked for: they go before the rest of the walk. */
  private readonly asked: Uint8Array<ArrayBuffer>[] = [];
  /** The first name of each file of several names. */
  private readonly firstNames = new Map<string, Uint8Array>();
  private readonly otherNames: [first: Uint8Array, path: Uint8Array][] = [];
  private readonly largeFiles: Uint8Array[] = [];
  /** Whether it has ended, one way or the other. */
  private isOver = false;

  constructor(from: string, to: string, work: EntryCopierOptions, options: CopyTreeOptions) {
    this.from = from;
    this.to = to;
    this.work = work;
    this.options = options;
  }

  async run(): Promise<void> {
    const walk = walkTree(this.work.from, this.work.to);
    const begun = [walk.frames.next(), walk.frames.next()].flatMap(({ value }) => value ?? []);
    const next = () => this.asked.shift() ?? begun.shift() ?? walk.frames.next().value;
    await using crew = new AsyncDisposableStack();
    const stop = Promise.withResolvers<never>();
    stop.promise.catch(() => {});
    const onAbort = () => stop.reject(interrupted());
    this.options.signal?.addEventListener("abort", onAbort);
    crew.defer(() => this.options.signal?.removeEventListener("abort", onAbort));
    const children: Worker[] = [];
    const isSmall = begun.length < 2;
    const processes = Math.min(this.options.processes ?? availableParallelism(), mostProcesses);
    while (!isSmall && processes > 1 && children.length < processes) {
      children.push(crew.use(startWorker(this.options.spawn, this.work)));
    }
    const workers = [workHere(this.work, children), ...children];
    // Our descriptors are closed then, and their numbers soon are somebody else's.
    crew.defer(() => {
      this.isOver = true;
    });
    await Promise.race([
      stop.promise,
      (async () => {
        await this.deal(workers, next);
        await this.deal(workers, fromGenerator(this.endings()));
        await this.deal(workers, fromGenerator(directoriesOf(walk.directories)));
      })(),
    ]);
  }

  /** Gives out frames until there are none and all are done. */
  private async deal(
    workers: readonly Worker[],
    next: () => Uint8Array<ArrayBuffer> | undefined,
  ): Promise<void> {
    let underWay = 0;
    let change = Promise.withResolvers<void>();
    const serve = async (worker: Worker) => {
      while (!worker.isSpare && !this.isOver) {
        const frame = next();
        if (frame === undefined) {
          // A reply to another may ask for more.
          if (underWay === 0) return;
          await change.promise;
          continue;
        }
        underWay++;
        const reply = await worker.run(frame);
        underWay--;
        this.read(reply);
        change.resolve();
        change = Promise.withResolvers();
      }
    };
    await Promise.all(
      workers.flatMap((worker) => Array.from({ length: worker.depth }, () => serve(worker))),
    );
  }

  private read(reply: FrameReader): void {
    while (!reply.isDone) {
      const op = reply.op();
      const name = reply.name();
      if (op === "L") this.noteLinked(name, Buffer.from(reply.name()).toString());
      else if (op === "B") this.askForParts(name, reply.number());
      else if (op === "W") this.warn(Buffer.from(name).toString());
      else throw this.failure(name, Buffer.from(reply.name()).toString());
    }
  }

  private noteLinked(path: Uint8Array, inode: string): void {
    const first = this.firstNames.get(inode);
    if (first !== undefined) {
      this.otherNames.push([first, path.slice()]);
      return;
    }
    this.firstNames.set(inode, path.slice());
    const [parent, name] = splitPath(path);
    this.asked.push(new FrameWriter().op("D").name(parent).op("F").name(name).take());
  }

  private askForParts(path: Uint8Array, size: number): void {
    this.largeFiles.push(path.slice());
    const [parent, name] = splitPath(path);
    const part = Math.max(partBytes, Math.ceil(size / mostParts));
    for (let at = 0; at < size; at += part) {
      const end = Math.min(at + part, size);
      const frame = new FrameWriter().op("D").name(parent).op("S").name(name);
      this.asked.push(frame.number(at).number(end).take());
    }
  }

  /** What can be done only when the content of all files is there. */
  private *endings() {
    const frame = new FrameWriter();
    for (const path of this.largeFiles) {
      const [parent, name] = splitPath(path);
      yield frame.op("D").name(parent).op("E").name(name).take();
    }
    let directory: Uint8Array | undefined;
    for (const [first, path] of this.otherNames) {
      const [parent, name] = splitPath(path);
      if (directory === undefined || Buffer.compare(directory, parent) !== 0) {
        frame.op("D").name(parent);
        directory = parent;
      }
      frame.op("H").name(first).name(name);
      if (!frame.isFull) continue;
      yield frame.take();
      directory = undefined;
    }
    if (!frame.isEmpty) yield frame.take();
  }

  private warn(text: string): void {
    if (this.warned.has(text)) return;
    this.warned.add(text);
    this.options.onWarning?.(text);
  }

  private failure(path: Uint8Array, text: string): MbctlError {
    const shown = JSON.stringify(Buffer.from(path).toString());
    const isFull = /^(ENOSPC|EDQUOT):/.test(text);
    return new MbctlError(
      "failed",
      `Cannot copy ${shown} of ${JSON.stringify(this.from)} to ${JSON.stringify(this.to)}: ${text}`,
      { hint: isFull ? "make room on the file system of the machines" : undefined },
    );
  }
}

function* directoriesOf(directories: readonly Uint8Array[]) {
  const frame = new FrameWriter();
  for (const path of directories) {
    frame.op("A").name(path);
    if (frame.isFull || frame.records > 256) yield frame.take();
  }
  if (!frame.isEmpty) yield frame.take();
}

function fromGenerator<T>(generator: Iterator<T>): () => T | undefined {
  return () => {
    const { value, done } = generator.next();
    return done === true ? undefined : value;
  };
}

function splitPath(path: Uint8Array): [parent: Uint8Array, name: Uint8Array] {
  const slash = path.lastIndexOf(0x2f);
  return [path.subarray(0, Math.max(slash, 0)), path.subarray(slash + 1)];
}
