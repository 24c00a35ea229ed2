/**
 * Entries of layers -> files of a root tree. No name is ever followed out of the
 * tree, and no file that is there already is ever written to: each entry makes a
 * new one, and what had its name before gives way.
 *
 * Directories are 0700 and root's until all layers are applied: what is made in
 * them inherits nothing, and their times are those of their entries in the end.
 *
 * @module
 */

import {
  close,
  linkAt,
  makeNodeAt,
  makeSymlinkAt,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  openAt,
} from "../host/libc_at.ts";
import { setFileMode, setFileOwner, setFileSize, writeAt } from "../host/libc_open.ts";
import type { DirectoryNode } from "./directory_node.ts";
import { cleanName, isAufsRecord, splitPath, whiteoutPrefix } from "./entry_name.ts";
import { LayerError } from "./layer_error.ts";
import { MetadataWriter } from "./metadata.ts";
import { NameMemory } from "./name_memory.ts";
import type { PlainStream } from "./plain_stream.ts";
import { findDirectory, ParentDirectories } from "./resolve.ts";
import { isCode, RootDirectories } from "./root_directories.ts";
import type { TarEntry } from "./tar_reader.ts";
import { applyWhiteout } from "./whiteout.ts";

/** chown(2) takes the highest number for "leave it". */
const maxId = 2 ** 32 - 2;
const typeBits = { "character device": 0o020000, "block device": 0o060000, fifo: 0o010000 };
/** A hole costs nothing here, but whoever copies the file may not know. */
const maxSparseBytes = 2 ** 40;

/** Writes the entries of one layer after the other, and the metadata of directories in the end. */
export class TreeWriter {
  readonly #tree: RootDirectories;
  readonly #parents: ParentDirectories;
  readonly #metadata: MetadataWriter;
  readonly #name = new NameMemory();
  readonly #other = new NameMemory();
  readonly #hasWhiteouts: boolean;

  /**
   * @param file descriptor of the tree's root: empty, 0700, and nobody else's.
   * @param hasWhiteouts false for plain archives, in which no name has a meaning of its own.
   */
  constructor(file: number, onWarning: (text: string) => void, hasWhiteouts = true) {
    this.#hasWhiteouts = hasWhiteouts;
    this.#tree = new RootDirectories(file);
    this.#parents = new ParentDirectories(this.#tree);
    this.#metadata = new MetadataWriter(this.#tree, onWarning);
  }

  /** What the tree takes on the disk, give or take the file system's own ways. */
  get allocatedBytes(): number {
    return this.#tree.allocatedBytes;
  }

  /** Begins the layer of this number; they count from 0. */
  beginLayer(layer: number): void {
    this.#tree.layer = layer;
  }

  /**
   * Applies one entry, and takes its bytes from the stream.
   *
   * @throws {LayerError | SyscallError} when it cannot be applied.
   */
  write(entry: TarEntry, stream: PlainStream): void {
    const path = cleanName(entry.name);
    if (entry.user < 0 || entry.user > maxId || entry.group < 0 || entry.group > maxId) {
      throw new LayerError(`its owner is ${entry.user}:${entry.group}: ids go from 0 to ${maxId}`);
    }
    if (path === "") {
      this.#root(entry);
      return;
    }
    const { parent, base } = splitPath(path);
    const isAufs = this.#hasWhiteouts && isAufsRecord(path);
    if (isAufs || (this.#hasWhiteouts && base.startsWith(whiteoutPrefix))) {
      if (!isAufs) applyWhiteout(this.#tree, parent, base);
      stream.take(entry.storedBytes, () => {});
      return;
    }
    const directory = this.#parents.get(parent);
    switch (entry.type) {
      case "file":
        this.#file(directory, base, entry, stream);
        break;
      case "directory":
        this.#directory(directory, base, entry);
        break;
      case "link":
        this.#link(directory, base, entry);
        break;
      case "hard link":
        this.#hardLink(directory, base, entry.linkName);
        break;
      default:
        this.#node(directory, base, entry, typeBits[entry.type]);
    }
  }

  /** Gives directories what their entries say; the last thing to be done. */
  finish(): void {
    this.#metadata.setDirectory(this.#tree.root);
  }

  close(): void {
    this.#tree.closeAll();
  }

  /** The root can be nothing but the directory that it is. */
  #root(entry: TarEntry): void {
    if (entry.type !== "directory") throw new LayerError(`it makes the root a ${entry.type}`);
    this.#tree.root.metadata = entry;
  }

  #file(directory: DirectoryNode, base: string, entry: TarEntry, stream: PlainStream): void {
    // umask is 0 and nothing is inherited: most files need no chmod(2).
    const mode = entry.mode & 0o777;
    const file = this.#make(directory, base, (parent) =>
      openAt(parent, this.#name.put(base), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode),
    );
    try {
      if (entry.sparse === undefined) {
        this.#copy(file, 0, entry.storedBytes, stream);
      } else {
        const { sizeBytes, regions } = entry.sparse;
        if (sizeBytes > maxSparseBytes) {
          throw new LayerError(
            `it has ${sizeBytes} bytes with its holes: ${maxSparseBytes} are the most`,
          );
        }
        setFileSize(file, sizeBytes);
        for (const { offset, length } of regions) this.#copy(file, offset, length, stream);
      }
      this.#tree.allocate(entry.storedBytes);
      if (entry.user !== 0 || entry.group !== 0) setFileOwner(file, entry.user, entry.group);
      // After the owner: chown(2) takes these bits away.
      if (entry.mode !== mode) setFileMode(file, entry.mode);
      this.#metadata.setFile(file, directory, base, entry);
    } finally {
      close(file);
    }
  }

  #copy(file: number, offset: number, bytes: number, stream: PlainStream): void {
    let at = offset;
    stream.take(bytes, (address, length) => {
      writeAt(file, address, length, at);
      at += length;
    });
  }

  #directory(parent: DirectoryNode, base: string, entry: TarEntry): void {
    const node = parent.children?.get(base) ?? this.#tree.make(parent, base, false);
    node.metadata = entry;
    this.#tree.touch(node);
  }

  #link(directory: DirectoryNode, base: string, entry: TarEntry): void {
    const target = entry.linkName;
    if (target === "" || target.includes("\0")) {
      throw new LayerError(`it is a link to ${JSON.stringify(target)}, which leads nowhere`);
    }
    this.#make(directory, base, (file) =>
      makeSymlinkAt(this.#other.put(target), file, this.#name.put(base)),
    );
    this.#tree.changes++;
    this.#metadata.setNode(directory, base, entry);
  }

  #hardLink(directory: DirectoryNode, base: string, target: string): void {
    const to = cleanName(target);
    const { parent, base: name } = splitPath(to);
    const from = findDirectory(this.#tree, parent);
    const shown = JSON.stringify(Buffer.from(target, "latin1").toString());
    if (to === "" || from?.children?.has(name) === true) {
      throw new LayerError(`it is a hard link to ${shown}, which is a directory`);
    }
    if (from === directory && name === base) throw new LayerError("it is a hard link to itself");
    try {
      if (from === undefined) throw new SyscallMissing();
      // Two directories at once: finding the one must not close the other.
      this.#tree.fileOf(from);
      this.#tree.pinned = from;
      this.#make(directory, base, (file) =>
        linkAt(this.#tree.fileOf(from), this.#other.put(name), file, this.#name.put(base)),
      );
    } catch (error) {
      if (!(error instanceof SyscallMissing) && !isCode(error, "ENOENT")) throw error;
      throw new LayerError(`it is a hard link to ${shown}, which is not there`);
    } finally {
      this.#tree.pinned = undefined;
    }
    // What it is linked to may itself be a link, by which paths lead on.
    this.#tree.changes++;
  }

  #node(directory: DirectoryNode, base: string, entry: TarEntry, typeBit: number): void {
    const { major, minor } = entry;
    if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
      throw new LayerError(`it is device ${major}:${minor}, a number that Linux does not have`);
    }
    const mode = typeBit | (entry.mode & 0o777);
    this.#make(directory, base, (file) =>
      makeNodeAt(file, this.#name.put(base), mode, [major, minor]),
    );
    this.#metadata.setNode(directory, base, entry);
  }

  /** Makes a name, in the place of what has it; answers what the call did. */
  #make<Result>(directory: DirectoryNode, base: string, make: (parent: number) => Result): Result {
    let result: Result;
    try {
      result = make(this.#tree.fileOf(directory));
    } catch (error) {
      if (isCode(error, "ENAMETOOLONG")) {
        throw new LayerError("its name is too long for this file system");
      }
      if (!isCode(error, "EEXIST")) throw error;
      this.#tree.remove(directory, base);
      result = make(this.#tree.fileOf(directory));
    }
    this.#tree.mark(directory, base);
    return result;
  }
}

class SyscallMissing extends Error {}
