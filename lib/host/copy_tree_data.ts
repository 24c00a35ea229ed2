/**
 * Copies the content of files: by sharing it, or within the kernel, or through a
 * buffer. Holes stay holes.
 *
 * @module
 */

import { SyscallError } from "./libc.ts";
import { fixedMemory } from "./libc_at.ts";
import {
  copyRange,
  readAt,
  SEEK_DATA,
  SEEK_HOLE,
  seek,
  setFileSize,
  shareBlocks,
  writeAt,
} from "./libc_open.ts";

/** Up to here reading and writing costs less than a copy within the kernel. */
const bufferBytes = 256 * 1024;

/** Copies between open files, and remembers what the file systems cannot do. */
export class DataCopier {
  private readonly buffer = fixedMemory(bufferBytes);
  private reflink: boolean;
  private inKernel = true;

  /** @param reflink whether content is to be shared, where that can be. */
  constructor(reflink: boolean) {
    this.reflink = reflink;
  }

  /** Shares all blocks, if that can be. */
  share(from: number, to: number): boolean {
    if (!this.reflink) return false;
    try {
      shareBlocks(from, to);
      return true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      // EINVAL, ETXTBSY: this one file cannot (a swap file, other checksums). The rest: none can.
      if (error.code === "EINVAL" || error.code === "ETXTBSY") return false;
      if (!["ENOTSUP", "EXDEV", "ENOTTY", "ENOSYS"].includes(error.code)) throw error;
      this.reflink = false;
      return false;
    }
  }

  /** Copies all of a file to an empty one. */
  copy(from: number, to: number, size: number, hasHoles: boolean): void {
    if (hasHoles) {
      setFileSize(to, size);
      this.copyPart(from, to, 0, size);
    } else {
      this.copyDense(from, to, 0, size);
    }
  }

  /** Copies the data between two offsets; the target has its size already. */
  copyPart(from: number, to: number, begin: number, end: number): void {
    for (let at = begin; at < end;) {
      const data = seek(from, at, SEEK_DATA);
      if (data === undefined || data >= end) return;
      const hole = Math.min(seek(from, data, SEEK_HOLE) ?? end, end);
      this.copyDense(from, to, data, hole);
      at = hole;
    }
  }

  private copyDense(from: number, to: number, begin: number, end: number): void {
    for (let at = begin; at < end;) {
      const wanted = end - at;
      const length =
        wanted > bufferBytes && this.inKernel
          ? this.copyInKernel(from, to, at, wanted)
          : this.copyThrough(from, to, at, Math.min(wanted, bufferBytes));
      // Shorter than it said: nobody should write in it, but then its end is here.
      if (length === 0) return;
      at += length;
    }
  }

  private copyThrough(from: number, to: number, at: number, size: number): number {
    const length = readAt(from, this.buffer.address, size, at);
    writeAt(to, this.buffer.address, length, at);
    return length;
  }

  private copyInKernel(from: number, to: number, at: number, size: number): number {
    try {
      return copyRange(from, to, at, size);
    } catch (error) {
      const cannot = ["EXDEV", "EINVAL", "ENOTSUP", "ENOSYS", "EPERM"];
      if (!(error instanceof SyscallError) || !cannot.includes(error.code)) throw error;
      this.inKernel = false;
      return this.copyThrough(from, to, at, Math.min(size, bufferBytes));
    }
  }
}
