/**
 * Owners, modes, extended attributes and times of what a layer brings.
 *
 * @module
 */

import { fixedMemory, setModeAt, setOwnerAt, setTimesAt } from "../host/libc_at.ts";
import { setFileTimes } from "../host/libc_open.ts";
import type { Timespec } from "../host/libc.ts";
import type { DirectoryMetadata, DirectoryNode } from "./directory_node.ts";
import { NameMemory } from "./name_memory.ts";
import type { RootDirectories } from "./root_directories.ts";
import type { TarEntry } from "./tar_reader.ts";
import { XattrWriter } from "./xattrs.ts";

const setIdBits = 0o7000;
/** Of directories that no entry names. */
const impliedMode = 0o755;

/** Sets what an entry says of itself; of directories when all layers are applied. */
export class MetadataWriter {
  readonly #tree: RootDirectories;
  readonly #xattrs: XattrWriter;
  readonly #name = new NameMemory();
  readonly #times = fixedMemory(32);
  readonly #time = new Int32Array(this.#times.bytes.buffer);

  constructor(tree: RootDirectories, onWarning: (text: string) => void) {
    this.#tree = tree;
    this.#xattrs = new XattrWriter(onWarning);
  }

  /** The rest for an open file that has its owner and mode: chown(2) would take capabilities away, and an access list is part of the mode. */
  setFile(file: number, directory: DirectoryNode, base: string, entry: TarEntry): void {
    if (entry.xattrs !== undefined) {
      this.#xattrs.set(this.#tree.fileOf(directory), base, entry.xattrs, true);
    }
    this.#fillTimes(entry.accessed, entry.modified);
    setFileTimes(file, this.#times.address);
  }

  /** Everything for a link, a device or a fifo. */
  setNode(directory: DirectoryNode, base: string, entry: TarEntry): void {
    const file = this.#tree.fileOf(directory);
    const name = this.#name.put(base);
    if (entry.user !== 0 || entry.group !== 0) setOwnerAt(file, name, entry.user, entry.group);
    if (entry.type !== "link" && (entry.mode & setIdBits) !== 0) setModeAt(file, name, entry.mode);
    if (entry.xattrs !== undefined) this.#xattrs.set(file, base, entry.xattrs, false);
    this.#fillTimes(entry.accessed, entry.modified);
    setTimesAt(file, name, this.#times.address);
  }

  /** Everything for a directory and all directories below it, when nothing more comes into them. */
  setDirectory(node: DirectoryNode): void {
    for (const child of node.children?.values() ?? []) this.setDirectory(child);
    // The root has no name in a directory of ours.
    const file = this.#tree.fileOf(node.parent ?? node);
    const base = node.parent === undefined ? "." : node.name;
    const name = this.#name.put(base);
    if (node.metadata === undefined) setModeAt(file, name, impliedMode);
    else this.#setMetadata(file, base, name, node.metadata);
  }

  #setMetadata(file: number, base: string, name: number, metadata: DirectoryMetadata): void {
    const { user, group, mode, xattrs } = metadata;
    if (user !== 0 || group !== 0) setOwnerAt(file, name, user, group);
    setModeAt(file, name, mode);
    if (xattrs !== undefined) this.#xattrs.set(file, base, xattrs, true);
    this.#fillTimes(metadata.accessed, metadata.modified);
    setTimesAt(file, name, this.#times.address);
  }

  /** Two timespecs, as 32-bit words: a BigInt for each would cost more than the call. */
  #fillTimes(accessed: Timespec, modified: Timespec): void {
    const time = this.#time;
    time[0] = accessed.seconds | 0;
    time[1] = Math.floor(accessed.seconds / 2 ** 32);
    time[2] = accessed.nanoseconds;
    time[4] = modified.seconds | 0;
    time[5] = Math.floor(modified.seconds / 2 ** 32);
    time[6] = modified.nanoseconds;
  }
}
