/**
 * Bytes of a file that is still being written, into a pipe: the kernel hands its
 * pages on, and no byte passes through JavaScript.
 *
 * @module
 */

import { closeSync } from "node:fs";
import { spliceNow } from "../host/libc.ts";

/** A file that grows at its end, and is otherwise left alone. */
export interface GrowingFile {
  /** Opens it for reading; the descriptor is the caller's. It stays good when the file gets another name. */
  openFile(): number;
  /**
   * Resolves when there are more than `bytes` bytes, or all.
   *
   * @throws why there will never be more.
   */
  grown(bytes: number): Promise<{ readonly sizeBytes: number; readonly isWhole: boolean }>;
}

/** How long a full pipe of 1 MiB is left to its reader: half of what a fast one takes for it. */
const napMs = 2;
const chunkBytes = 1024 * 1024;

/**
 * Moves all of a growing file into a pipe.
 *
 * @param stopped rejects when nobody wants the bytes any more.
 * @param onBytes told how many have been moved.
 * @throws what `grown` throws, and EPIPE when the reader is gone.
 */
export async function feedGrowing(
  file: GrowingFile,
  pipe: number,
  stopped: Promise<never>,
  onBytes: (done: number) => void,
): Promise<void> {
  const descriptor = file.openFile();
  try {
    for (let done = 0; ;) {
      const { sizeBytes, isWhole } = await Promise.race([file.grown(done), stopped]);
      while (done < sizeBytes) {
        const moved = spliceNow(descriptor, pipe, Math.min(sizeBytes - done, chunkBytes));
        if (moved === 0) throw new Error("the file became shorter while it was read");
        if (moved === undefined) await Promise.race([Bun.sleep(napMs), stopped]);
        done += moved ?? 0;
        onBytes(done);
      }
      if (isWhole) return;
    }
  } finally {
    closeSync(descriptor);
  }
}
