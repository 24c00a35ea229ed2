/**
 * A directory of a root tree that is being made.
 *
 * @module
 */

import type { Timespec } from "../host/libc.ts";

/** What a directory shall have when all layers are applied. */
export interface DirectoryMetadata {
  readonly mode: number;
  readonly user: number;
  readonly group: number;
  readonly modified: Timespec;
  readonly accessed: Timespec;
  readonly xattrs: ReadonlyMap<string, string> | undefined;
}

/** Names are Latin-1: one character for each byte. */
export class DirectoryNode {
  readonly name: string;
  readonly parent: DirectoryNode | undefined;
  /** Bytes of the path from the root. */
  readonly pathBytes: number;
  /** The directories in it. */
  children: Map<string, DirectoryNode> | undefined;
  /** Undefined while no entry names it. */
  metadata: DirectoryMetadata | undefined;
  /** The last layer that has an entry for it or below it. */
  touchedBy = -1;
  /** Names in it, of what is no directory, that the layer `marksOf` has made. */
  marks: Set<string> | undefined;
  marksOf = -1;
  /** Open descriptor, or -1. */
  file = -1;

  constructor(name: string, parent: DirectoryNode | undefined) {
    this.name = name;
    this.parent = parent;
    this.pathBytes = parent === undefined ? -1 : parent.pathBytes + 1 + name.length;
  }
}
