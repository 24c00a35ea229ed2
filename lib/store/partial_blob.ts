/**
 * Blobs on their way into the store. Who downloads one holds the lock of its
 * partial file; others wait, find it done, or take over what is there.
 *
 * @module
 */

import { chmodSync, fstatSync, ftruncateSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import { isErrno } from "../host/files.ts";
import type { BlobId } from "../image/blob_source.ts";
import { hasBlob, makeBlobFolders } from "./blobs.ts";
import { blobPath, partialPath } from "./paths.ts";
import { type LockOptions, type OpenStore, sayWait } from "./store.ts";
import { hasName, type HeldLock, waitForLock } from "../host/waiting_lock.ts";

/** How far a download is, as one looks at it. */
export interface PartialState {
  readonly sizeBytes: number;
  /** How often it began anew: bytes of two runs must not be mixed. */
  readonly run: number;
  /** Where the bytes are now. */
  readonly path: string;
  readonly end: "committed" | Error | undefined;
}

/**
 * Begins, or takes over, the download of a blob; waits while another process, or
 * another task of this one, downloads it.
 *
 * @returns "present" when it is in the store, else what is to be filled: it begins
 * with the bytes that an earlier run left, which nobody has verified.
 * @throws {MbctlError} (conflict) when the other one makes no progress, (interrupted).
 */
export async function beginBlob(
  store: OpenStore,
  blob: BlobId,
  { signal, onWait, timeoutMs }: LockOptions = {},
): Promise<PartialBlob | "present"> {
  if (hasBlob(store, blob)) return "present";
  makeBlobFolders(store, blob.digest);
  const what = `the blob "${blob.digest}"`;
  const lock = await waitForLock(partialPath(store.paths, blob.digest), "exclusive", what, {
    signal,
    timeoutMs,
    onWait: (holders) => onWait?.(sayWait(what, holders)),
  });
  const partial = new PartialBlob(store, blob, lock);
  if (!hasBlob(store, blob)) return partial;
  // It was committed while we waited; what is left at this name is not needed.
  partial.restart();
  partial[Symbol.dispose]();
  return "present";
}

/**
 * A blob that is being downloaded: the sink of its bytes. Disposing of it without
 * a commit keeps what is there for the next run.
 */
export class PartialBlob implements Disposable {
  readonly blob: BlobId;
  readonly path: string;
  readonly #target: string;
  readonly #lock: HeldLock;
  readonly #waiters = new Set<() => void>();
  #sizeBytes: number;
  #run = 0;
  #end: PartialState["end"];

  /** @internal Made by {@linkcode beginBlob}. */
  constructor(store: OpenStore, blob: BlobId, lock: HeldLock) {
    this.blob = blob;
    this.path = lock.path;
    this.#target = blobPath(store.paths, blob.digest);
    this.#lock = lock;
    this.#sizeBytes = fstatSync(lock.descriptor).size;
    if (this.#sizeBytes > blob.sizeBytes) this.restart();
  }

  /** How many bytes are there. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds bytes at the end; they are in the file when this returns. */
  append(chunk: Uint8Array): void {
    this.#mustBeOpen();
    if (this.#sizeBytes + chunk.length > this.blob.sizeBytes) {
      throw new MbctlError(
        "tool",
        `Cannot download the blob "${this.blob.digest}": it has more than its ${this.blob.sizeBytes} bytes`,
      );
    }
    const { descriptor } = this.#lock;
    try {
      for (let done = 0; done < chunk.length;) {
        const place = this.#sizeBytes;
        const bytes = writeSync(descriptor, chunk, done, chunk.length - done, place);
        done += bytes;
        this.#sizeBytes += bytes;
      }
    } catch (error) {
      throw explainFull(this.path, error);
    }
    this.#wake();
  }

  /** Throws away what is there: it was wrong, or the source cannot resume. */
  restart(): void {
    this.#mustBeOpen();
    ftruncateSync(this.#lock.descriptor, 0);
    this.#sizeBytes = 0;
    this.#run += 1;
    this.#wake();
  }

  /**
   * Makes it a blob of the store. The caller has compared the digest.
   *
   * @throws {MbctlError} (tool) when it is not complete.
   */
  commit(): void {
    this.#mustBeOpen();
    if (this.#sizeBytes !== this.blob.sizeBytes) {
      throw new MbctlError(
        "tool",
        `Cannot store the blob "${this.blob.digest}": it has ${this.#sizeBytes} of ${this.blob.sizeBytes} bytes`,
      );
    }
    if (!hasName(this.#lock.descriptor, this.path)) {
      throw new MbctlError(
        "failed",
        `Cannot store the blob "${this.blob.digest}": somebody removed ${this.path}`,
        { hint: "run the command again" },
      );
    }
    chmodSync(this.path, 0o600);
    renameSync(this.path, this.#target);
    this.#finish("committed");
  }

  /** Ends it for who follows; {@linkcode Symbol.dispose} does the same without a reason. */
  fail(error: Error): void {
    if (this.#end === undefined) this.#finish(error);
  }

  [Symbol.dispose](): void {
    this.fail(
      new MbctlError("failed", `Cannot download the blob "${this.blob.digest}": it was given up`),
    );
  }

  /** How far it is now. */
  state(): PartialState {
    const path = this.#end === "committed" ? this.#target : this.path;
    return { sizeBytes: this.#sizeBytes, run: this.#run, path, end: this.#end };
  }

  /** Resolves when there are `sizeBytes` bytes, or it began anew, or it ended. */
  async reaches(sizeBytes: number): Promise<void> {
    const run = this.#run;
    while (this.#sizeBytes < sizeBytes && this.#run === run && this.#end === undefined) {
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
    }
  }

  #finish(end: "committed" | Error): void {
    this.#end = end;
    // Nothing is in it: no litter. Nobody else takes the name while we hold the lock.
    const isEmpty = end !== "committed" && this.#sizeBytes === 0;
    if (isEmpty && hasName(this.#lock.descriptor, this.path)) unlinkSync(this.path);
    this.#lock[Symbol.dispose]();
    this.#wake();
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const resolve of waiters) resolve();
  }

  #mustBeOpen(): void {
    if (this.#end !== undefined) throw new TypeError(`${this.path} is no longer being written`);
  }
}

function explainFull(path: string, error: unknown): unknown {
  if (!isErrno(error, "ENOSPC", "EDQUOT")) return error;
  return new MbctlError("host", `Cannot write ${JSON.stringify(path)}: no space is left`, {
    hint: "make room on that file system, for instance: mbctl cache prune",
    cause: error,
  });
}
