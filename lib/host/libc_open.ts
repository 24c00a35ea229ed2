/**
 * The calls of the C library on open files, for the copy and the removal of whole
 * trees: what {@linkcode "libc_at.ts"} is for names.
 *
 * @module
 */

import { type Address, failure, type FixedMemory, fixedMemory, libc } from "./libc_at.ts";

/** What statx(2) tells of a file, read where the kernel put it. */
export class Stat {
  private readonly memory = fixedMemory(256);

  /** @param flags AT_EMPTY_PATH for the open file itself, AT_SYMLINK_NOFOLLOW for a name. */
  read(directory: number, name: Address, flags: number): this {
    // STATX_BASIC_STATS
    if (libc().statx(directory, name, flags, 0x7ff, this.memory.address) !== 0)
      throw failure("statx");
    return this;
  }

  get links(): number {
    return this.memory.view.getUint32(16, true);
  }
  get uid(): number {
    return this.memory.view.getUint32(20, true);
  }
  get gid(): number {
    return this.memory.view.getUint32(24, true);
  }
  /** Type and permission bits. */
  get mode(): number {
    return this.memory.view.getUint16(28, true);
  }
  get inode(): bigint {
    return this.memory.view.getBigUint64(32, true);
  }
  get size(): number {
    return Number(this.memory.view.getBigUint64(40, true));
  }
  /** Bytes that it takes on the disk: fewer than its size where it has holes. */
  get allocated(): number {
    return Number(this.memory.view.getBigUint64(48, true)) * 512;
  }
  get node(): readonly [major: number, minor: number] {
    return [this.memory.view.getUint32(128, true), this.memory.view.getUint32(132, true)];
  }
  get device(): readonly [major: number, minor: number] {
    return [this.memory.view.getUint32(136, true), this.memory.view.getUint32(140, true)];
  }

  /** Writes the times of last access and modification as utimensat(2) takes them. */
  copyTimes(to: FixedMemory): void {
    for (const [from, at] of timeFields) {
      to.view.setBigInt64(at, this.memory.view.getBigInt64(from, true), true);
      to.view.setBigInt64(at + 8, BigInt(this.memory.view.getUint32(from + 8, true)), true);
    }
  }
}
/** stx_atime and stx_mtime, and where they go in two timespecs. */
const timeFields = [
  [64, 0],
  [112, 16],
] as const;

/** futimens(3): both times, from two timespecs. */
export function setFileTimes(file: number, times: Address): void {
  if (libc().futimens(file, times) !== 0) throw failure("futimens");
}

/** fchown(2). */
export function setFileOwner(file: number, uid: number, gid: number): void {
  if (libc().fchown(file, uid, gid) !== 0) throw failure("fchown");
}

/** fchmod(2). */
export function setFileMode(file: number, mode: number): void {
  if (libc().fchmod(file, mode) !== 0) throw failure("fchmod");
}

/** The next entries of a directory, as {@linkcode eachEntry} reads them. @returns their bytes, 0 at the end. */
export function readEntries(directory: number, into: FixedMemory): number {
  const length = Number(libc().getdents64(directory, into.address, into.bytes.length));
  if (length < 0) throw failure("getdents64");
  return length;
}

/** linux/dirent.h: d_type of a directory, of a regular file, of a link, and where the file system does not say. */
export const DT_UNKNOWN = 0;
export const DT_DIR = 4;
export const DT_REG = 8;

/**
 * Goes through what {@linkcode readEntries} gave (getdents(2), linux_dirent64), but for `.` and `..`.
 *
 * @param visit told where the name begins and ends (its NUL), and its type.
 */
export function eachEntry(
  { bytes, view }: FixedMemory,
  length: number,
  visit: (start: number, end: number, type: number) => void,
): void {
  const dot = 0x2e;
  for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
    const start = at + 19;
    const end = bytes.indexOf(0, start);
    if (bytes[start] === dot) {
      if (end === start + 1) continue;
      if (end === start + 2 && bytes[start + 1] === dot) continue;
    }
    visit(start, end, bytes[at + 18] ?? DT_UNKNOWN);
  }
}

const SEEK_SET = 0;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

/** lseek(2). @returns undefined past the last data (ENXIO). */
export function seek(file: number, offset: number, whence: number): number | undefined {
  const result = Number(libc().lseek(file, offset, whence));
  if (result >= 0) return result;
  const error = failure("lseek");
  if (error.code === "ENXIO") return undefined;
  throw error;
}

/** Begins to read a directory anew, or a file (lseek(2)). */
export function rewind(file: number): void {
  seek(file, 0, SEEK_SET);
}

/** pread(2). @returns the bytes read, 0 at the end. */
export function readAt(file: number, into: Address, size: number, offset: number): number {
  const length = Number(libc().pread(file, into, size, offset));
  if (length < 0) throw failure("pread");
  return length;
}

/** pwrite(2), again until all is written. */
export function writeAt(file: number, from: Address, size: number, offset: number): void {
  for (let done = 0; done < size;) {
    const length = Number(libc().pwrite(file, from + done, size - done, offset + done));
    if (length < 0) throw failure("pwrite");
    done += length;
  }
}

/** ftruncate(2). */
export function setFileSize(file: number, size: number): void {
  if (libc().ftruncate(file, size) !== 0) throw failure("ftruncate");
}

/** linux/fs.h, _IOW(0x94, 9, int) */
const FICLONE = 0x40049409;

/** Lets a file share the blocks of another (ioctl_ficlone(2)). */
export function shareBlocks(from: number, to: number): void {
  if (libc().ioctl(to, FICLONE, from) !== 0) throw failure("ioctl_ficlone");
}

/** flistxattr(2): names, each ended by NUL. @returns their bytes. */
export function listFileXattrs(file: number, into: FixedMemory): number {
  const length = Number(libc().flistxattr(file, into.address, into.bytes.length));
  if (length >= 0) return length;
  const error = failure("flistxattr");
  if (error.code === "ENOTSUP") return 0;
  throw error;
}

/** fgetxattr(2). @returns the bytes of the value. */
export function getFileXattr(file: number, name: Address, into: FixedMemory): number {
  const length = Number(libc().fgetxattr(file, name, into.address, into.bytes.length));
  if (length < 0) throw failure("fgetxattr");
  return length;
}

/** fsetxattr(2). */
export function setFileXattr(file: number, name: Address, value: Address, size: number): void {
  if (libc().fsetxattr(file, name, value, size, 0) !== 0) throw failure("fsetxattr");
}

/** fremovexattr(2). */
export function removeFileXattr(file: number, name: Address): void {
  if (libc().fremovexattr(file, name) !== 0) throw failure("fremovexattr");
}
