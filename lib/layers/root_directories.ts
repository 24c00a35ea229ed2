/**
 * The directories of a root tree that is being made. The tree was empty at the
 * start and nobody else writes in it, so what is kept here is the truth about it:
 * which directories there are, and what the layer at hand has touched. Whatever
 * is not a directory is known to the kernel alone.
 *
 * @module
 */

import {
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  close,
  fixedMemory,
  makeDirectoryAt,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  unlinkAt,
} from "../host/libc_at.ts";
import { DT_DIR, eachEntry, readEntries, Stat } from "../host/libc_open.ts";
import { SyscallError } from "../host/libc.ts";
import { DirectoryNode } from "./directory_node.ts";
import { maxPathBytes, whiteoutPrefix } from "./entry_name.ts";
import { LayerError } from "./layer_error.ts";
import { NameMemory } from "./name_memory.ts";

/** How many directories are open at once. */
const maxOpen = 128;
/** A directory costs us memory: more than these are refused. */
const maxDirectories = 500_000;
/** fcntl.h: a directory to be a starting point, for nothing but calls that begin there. */
const O_PATH = 0o10000000;
const listingBytes = 64 * 1024;
/** What file systems give out at once. */
const blockBytes = 4096;

/** The directories, their open descriptors, and whatever is made or removed in them. */
export class RootDirectories {
  readonly root = new DirectoryNode("/", undefined);
  /** The layer at hand, from 0. */
  layer = 0;
  /** Counts what may change where a path leads: a directory or link made, replaced or removed. */
  changes = 0;
  /** What the tree takes on the disk, give or take the file system's own ways. */
  allocatedBytes = 0;
  readonly #name = new NameMemory();
  readonly #stat = new Stat();
  /** Stays open while others are asked for. */
  pinned: DirectoryNode | undefined;
  readonly #open: (DirectoryNode | undefined)[] = Array(maxOpen).fill(undefined);
  #next = 0;
  #count = 0;

  /** @param file descriptor of the root, to be closed by the caller. */
  constructor(file: number) {
    this.root.file = file;
  }

  /** An open descriptor of a directory, good until other directories are asked for. */
  fileOf(node: DirectoryNode): number {
    if (node.file >= 0) return node.file;
    const parent = this.fileOf(node.parent ?? this.root);
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    node.file = openAt(parent, this.#name.put(node.name), flags);
    if (this.#open[this.#next] === this.pinned) this.#next = (this.#next + 1) % maxOpen;
    this.#close(this.#open[this.#next]);
    this.#open[this.#next] = node;
    this.#next = (this.#next + 1) % maxOpen;
    return node.file;
  }

  closeAll(): void {
    for (const node of this.#open) this.#close(node);
  }

  #close(node: DirectoryNode | undefined): void {
    if (node === undefined || node.file < 0) return;
    close(node.file);
    node.file = -1;
  }

  /** Whether the layer at hand has made a name that is no directory. */
  isMarked(node: DirectoryNode, name: string): boolean {
    // While the first layer is applied there is nothing that another could have made.
    if (this.layer === 0) return true;
    return node.marksOf === this.layer && node.marks?.has(name) === true;
  }

  /** Notes that the layer at hand has made a name that is no directory. */
  mark(node: DirectoryNode, name: string): void {
    if (this.layer === 0) return;
    if (node.marksOf !== this.layer) {
      node.marks = new Set();
      node.marksOf = this.layer;
    }
    node.marks?.add(name);
  }

  /** Notes that the layer at hand has something in a directory, and so in all above it. */
  touch(node: DirectoryNode): void {
    let at: DirectoryNode | undefined = node;
    for (; at !== undefined && at.touchedBy !== this.layer; at = at.parent) {
      at.touchedBy = this.layer;
    }
  }

  /** Counts what a file takes on the disk. */
  allocate(bytes: number): void {
    this.allocatedBytes += Math.ceil(bytes / blockBytes) * blockBytes;
  }

  /**
   * Makes a directory where none is. What else has the name gives way.
   *
   * @param isParent whether it is wanted for what comes into it: a file that the
   * same layer has made does not give way to that.
   */
  make(parent: DirectoryNode, name: string, isParent: boolean): DirectoryNode {
    if (name.startsWith(whiteoutPrefix)) {
      throw new LayerError(`${JSON.stringify(name)} marks a whiteout, and cannot be a directory`);
    }
    const node = new DirectoryNode(name, parent);
    if (node.pathBytes > maxPathBytes) {
      throw new LayerError(`its path leads deeper than ${maxPathBytes} bytes`);
    }
    if (this.#count >= maxDirectories) {
      throw new LayerError(`there are more than ${maxDirectories} directories`);
    }
    const file = this.fileOf(parent);
    try {
      makeDirectoryAt(file, this.#name.put(name), 0o700);
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
      if (isParent && this.isMarked(parent, name)) {
        throw new LayerError(`${JSON.stringify(name)} on its path is no directory`);
      }
      this.unlink(file, name);
      makeDirectoryAt(file, this.#name.put(name), 0o700);
    }
    parent.children ??= new Map();
    parent.children.set(name, node);
    // The node itself is touched from the start: touch() would stop there, below its parents.
    this.touch(parent);
    this.allocate(blockBytes);
    this.#count++;
    this.changes++;
    return node;
  }

  /** Removes whatever has a name, a directory with all that is in it. Nothing there is no error. */
  remove(parent: DirectoryNode, name: string): void {
    const node = parent.children?.get(name);
    if (node !== undefined) {
      this.removeDirectory(node);
      return;
    }
    try {
      this.unlink(this.fileOf(parent), name);
    } catch (error) {
      if (!isCode(error, "ENOENT")) throw error;
    }
  }

  /** Removes a directory with all that is in it; not the root. */
  removeDirectory(node: DirectoryNode): void {
    const { parent } = node;
    if (parent === undefined) throw new TypeError("The root of a tree cannot be removed");
    for (const child of node.children?.values() ?? []) this.removeDirectory(child);
    this.removeFiles(node, () => true);
    this.#close(node);
    unlinkAt(this.fileOf(parent), this.#name.put(node.name), AT_REMOVEDIR);
    parent.children?.delete(node.name);
    this.allocate(-blockBytes);
    this.#count--;
    this.changes++;
  }

  /** Removes from a directory what is no directory, where `isUnwanted` says so. */
  removeFiles(node: DirectoryNode, isUnwanted: (name: string) => boolean): void {
    const directory = this.fileOf(node);
    const listed = openAt(directory, this.#name.put("."), O_RDONLY | O_DIRECTORY);
    try {
      const listing = fixedMemory(listingBytes);
      const text = Buffer.from(listing.bytes.buffer);
      // Names may go while they are read: those that stay are seen all the same.
      for (let length = 1; length > 0;) {
        length = readEntries(listed, listing);
        eachEntry(listing, length, (start, end, type) => {
          const name = text.toString("latin1", start, end);
          if (type === DT_DIR || node.children?.has(name) === true || !isUnwanted(name)) return;
          this.unlink(directory, name);
        });
      }
    } finally {
      close(listed);
    }
  }

  /** Removes a name that is no directory. */
  private unlink(directory: number, name: string): void {
    const address = this.#name.put(name);
    const { size, links } = this.#stat.read(directory, address, AT_SYMLINK_NOFOLLOW);
    unlinkAt(directory, address);
    if (links === 1) this.allocate(-size);
    this.changes++;
  }
}

/** Whether an error is the kernel's, of this name. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof SyscallError && error.code === code;
}
