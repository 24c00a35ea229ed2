/**
 * Reading a blob while it is still being downloaded.
 *
 * @module
 */

import { closeSync, openSync, read } from "node:fs";
import { promisify } from "node:util";
import type { PartialBlob } from "./partial_blob.ts";

export interface FollowOptions {
  /** Reused for every chunk: what was given is overwritten when the next one is asked for. */
  readonly buffer?: Uint8Array | undefined;
}

const readAsync = promisify(read);
const chunkBytes = 1024 * 1024;
/** Fewer bytes than these are waited upon, unless they are the last. */
const leastBytes = 512 * 1024;

/** The download began anew: what was read of it may be wrong. Whoever used it begins anew, too. */
export class RestartedError extends Error {
  override readonly name = "RestartedError";

  constructor(partial: PartialBlob) {
    super(`The download of ${partial.blob.digest} began anew`);
  }
}

/**
 * How far a blob is that another task of this process downloads, for who reads its
 * file as it grows. It is whole when it is committed: only then is it known that
 * the bytes were right.
 */
export interface FollowedBlob {
  /** Opens the file for reading; the descriptor stays good when the file gets its place in the store. */
  openFile(): number;
  /**
   * Resolves when there are more than `bytes` bytes and it is worth while to read
   * them, or there are all.
   *
   * @throws {RestartedError} when the download began anew.
   * @throws the error with which it failed.
   */
  grown(bytes: number): Promise<{ readonly sizeBytes: number; readonly isWhole: boolean }>;
}

/** Follows a download from its beginning. */
export function followBlob(partial: PartialBlob): FollowedBlob {
  const { run } = partial.state();
  return {
    openFile: () => openSync(partial.state().path, "r"),
    async grown(bytes) {
      for (;;) {
        const { run: runNow, end, sizeBytes } = partial.state();
        if (runNow !== run) throw new RestartedError(partial);
        if (end instanceof Error) throw end;
        const isWhole = end === "committed";
        if (isWhole || sizeBytes >= bytes + leastBytes) return { sizeBytes, isWhole };
        await partial.reaches(bytes + leastBytes);
      }
    },
  };
}

/**
 * The bytes of a blob that another task of this process downloads, as they
 * arrive.
 *
 * @throws as {@linkcode FollowedBlob.grown} does.
 */
export async function* follow(
  partial: PartialBlob,
  { buffer }: FollowOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const blob = followBlob(partial);
  const file = blob.openFile();
  try {
    for (let at = 0; ;) {
      const { sizeBytes, isWhole } = await blob.grown(at);
      // Small chunks cost more calls than they bring.
      while (sizeBytes - at >= leastBytes || (isWhole && at < sizeBytes)) {
        const into = buffer ?? new Uint8Array(chunkBytes);
        const wanted = Math.min(sizeBytes - at, into.length);
        // By another thread: this one is busy with the network.
        const { bytesRead } = await readAsync(file, into, 0, wanted, at);
        // It may have begun anew meanwhile.
        await blob.grown(at - leastBytes);
        if (bytesRead === 0) throw new Error(`${partial.path} became shorter while it was read`);
        at += bytesRead;
        yield into.subarray(0, bytesRead);
      }
      if (isWhole) return;
    }
  } finally {
    closeSync(file);
  }
}
