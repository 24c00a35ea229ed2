/**
 * Copies the content of files: by sharing it, or through a buffer. Holes stay holes.
 *
 * @module
 */

import { SyscallError } from "../host/libc.ts";
import { fixedMemory } from "../host/libc_at.ts";
import {
  readAt,
  SEEK_DATA,
  SEEK_HOLE,
  seek,
  setFileSize,
  shareBlocks,
  writeAt,
} from "../host/libc_open.ts";

/**
 * The processor's own cache holds so much three times: read, kept, written. More is
 * slower, and so is copy_file_range(2), which where nothing is shared goes page by page.
 */
const bufferBytes = 128 * 1024;

/** Copies between open files, and remembers whether the file systems can share. */
export class DataCopier {
  private readonly buffer = fixedMemory(bufferBytes);
  private reflink: boolean;

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
      const length = readAt(from, this.buffer.address, Math.min(end - at, bufferBytes), at);
      // Shorter than it said: nobody should write in it, but then its end is here.
      if (length === 0) return;
      writeAt(to, this.buffer.address, length, at);
      at += length;
    }
  }
}
