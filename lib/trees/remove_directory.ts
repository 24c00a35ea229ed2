/**
 * Removes a directory and all that is in it, by names relative to open
 * directories: no link is ever followed, and no path can be too long.
 *
 * @module
 */

import { destroySubvolume, isOpenSubvolume, setReadOnly } from "./btrfs.ts";
import { isErrno } from "../host/files.ts";
import { ioctl } from "../host/libc.ts";
import {
  type Address,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  close,
  type FixedMemory,
  fixedMemory,
  fixedName,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  openAt,
  renameAt,
  unlinkAt,
} from "../host/libc_at.ts";
import { DT_DIR, DT_UNKNOWN, eachEntry, readEntries, rewind, Stat } from "../host/libc_open.ts";

/** Directories in each other that are open at a time; what lies deeper is brought up first. */
const mostOpen = 128;
const listingBytes = 32 * 1024;

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/**
 * Removes an entry of an open directory, whatever it is.
 *
 * @param onBtrfs whether there may be subvolumes.
 */
export function removeEntry(parent: number, name: string, onBtrfs: boolean): void {
  const memory = fixedName(name);
  new Removal(onBtrfs, memory).remove(parent, memory.address, DT_UNKNOWN, 0);
}

class Removal {
  private readonly onBtrfs: boolean;
  /** Held here: an address alone does not keep the collector away until the last call. */
  readonly name: FixedMemory;
  private readonly stat = new Stat();
  /** One for each level: what was read of a directory is still needed after what lies in it. */
  private readonly listings: FixedMemory[] = [];
  /** The root of the tree, to which directories are brought that lie too deep. */
  private top = -1;
  private brought = 0;

  constructor(onBtrfs: boolean, name: FixedMemory) {
    this.onBtrfs = onBtrfs;
    this.name = name;
  }

  remove(parent: number, name: Address, type: number, depth: number): void {
    if (type === DT_DIR || (type === DT_UNKNOWN && this.typeOf(parent, name) === S_IFDIR)) {
      this.removeDirectory(parent, name, depth);
    } else {
      this.evenIfImmutable(parent, name, () => unlinkAt(parent, name));
    }
  }

  private removeDirectory(parent: number, name: Address, depth: number): void {
    const directory = openAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      if (depth === 0) this.top = directory;
      if (this.onBtrfs && isOpenSubvolume(directory) && destroyed(parent, directory)) return;
      while (this.clear(directory, depth)) {
        if (this.isGone(parent, name)) return;
      }
    } finally {
      close(directory);
    }
    // Nothing was found in it: what stands in the way is the error's to say.
    this.evenIfImmutable(parent, name, () => unlinkAt(parent, name, AT_REMOVEDIR));
  }

  /** @returns false when there was nothing. */
  private clear(directory: number, depth: number): boolean {
    const listing = this.listings[depth] ?? fixedMemory(listingBytes);
    this.listings[depth] = listing;
    let isEmpty = true;
    rewind(directory);
    for (;;) {
      const length = readEntries(directory, listing);
      if (length === 0) return !isEmpty;
      eachEntry(listing, length, (start, _, type) => {
        isEmpty = false;
        const name = listing.address + start;
        if (type === DT_DIR && depth >= mostOpen) this.bringUp(directory, name);
        else this.remove(directory, name, type, depth + 1);
      });
    }
  }

  /** Whether the directory can be removed: names may have come to it meanwhile, or been missed by its reading. */
  private isGone(parent: number, name: Address): boolean {
    try {
      this.evenIfImmutable(parent, name, () => unlinkAt(parent, name, AT_REMOVEDIR));
      return true;
    } catch (error) {
      if (isErrno(error, "ENOTEMPTY", "EEXIST")) return false;
      throw error;
    }
  }

  /** Moves a directory that lies too deep to the root of the tree, where the next reading finds it. */
  private bringUp(parent: number, name: Address): void {
    for (;;) {
      const free = fixedName(`.mbctl-deep.${this.brought++}`);
      try {
        this.evenIfImmutable(parent, name, () => renameAt(parent, name, this.top, free.address));
        return;
      } catch (error) {
        // Brought by a removal that was killed, or the image's.
        if (!isErrno(error, "ENOTEMPTY", "EEXIST", "ENOTDIR")) throw error;
      }
    }
  }

  /** Does what an immutable or append-only flag forbids, of the entry or of its directory, by taking the flag away. */
  private evenIfImmutable(parent: number, name: Address, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isErrno(error, "EPERM")) throw error;
      clearProtection(parent);
      const type = this.typeOf(parent, name);
      // Nothing else has flags; and a device is better not opened.
      if (type === S_IFREG || type === S_IFDIR) {
        const entry = openAt(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        try {
          clearProtection(entry);
        } finally {
          close(entry);
        }
      }
      work();
    }
  }

  private typeOf(parent: number, name: Address): number {
    return this.stat.read(parent, name, AT_SYMLINK_NOFOLLOW).mode & S_IFMT;
  }
}

/** @returns false when the kernel forbids it: then its content is removed as that of any directory. */
function destroyed(parent: number, directory: number): boolean {
  try {
    destroySubvolume(parent, directory);
    return true;
  } catch (error) {
    if (!isErrno(error, "EPERM", "EACCES", "ENAMETOOLONG", "ENOTTY")) throw error;
    setReadOnly(directory, false);
    return false;
  }
}

/** linux/fs.h */
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_IMMUTABLE_FL = 0x10;
const FS_APPEND_FL = 0x20;

/** Takes the flags of chattr(1) away that forbid a removal (ioctl_iflags(2)). */
function clearProtection(file: number): void {
  const flags = new Uint8Array(8);
  try {
    ioctl(file, FS_IOC_GETFLAGS, flags);
  } catch (error) {
    if (isErrno(error, "ENOTTY", "ENOTSUP")) return;
    throw error;
  }
  const view = new DataView(flags.buffer);
  const now = view.getInt32(0, true);
  const wanted = now & ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
  if (wanted === now) return;
  view.setInt32(0, wanted, true);
  ioctl(file, FS_IOC_SETFLAGS, flags);
}
