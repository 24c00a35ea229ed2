/**
 * A tar stream as the entries that a layer is made of: extended headers, long
 * names and maps of holes are read here and seen nowhere else.
 *
 * @module
 */

import type { Timespec } from "../host/libc.ts";
import { LayerError } from "./layer_error.ts";
import { parsePax, paxNumber, type PaxRecords, paxTime, paxXattrs } from "./pax.ts";
import { type PlainStream, truncated } from "./plain_stream.ts";
import {
  checkSparse,
  paxSparse,
  readLeadingMap,
  readOldMap,
  type SparseHeader,
  type SparseMap,
} from "./sparse.ts";
import { blockBytes, isZeroBlock, parseTarHeader, type TarHeader } from "./tar_header.ts";

export type EntryType =
  "file" | "hard link" | "link" | "character device" | "block device" | "directory" | "fifo";

/** One entry of a layer. Texts are Latin-1: one character for each byte. */
export interface TarEntry {
  readonly type: EntryType;
  /** As it stands there: absolute, with `..`, or empty, as the layer likes. */
  readonly name: string;
  readonly linkName: string;
  /** Permission bits, set-id bits and the sticky bit. */
  readonly mode: number;
  readonly user: number;
  readonly group: number;
  readonly modified: Timespec;
  readonly accessed: Timespec;
  /** The bytes that the stream holds of it. */
  readonly storedBytes: number;
  readonly sparse: SparseMap | undefined;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, string> | undefined;
}

/** Longest extended header or GNU long name, in bytes: as Go's archive/tar bounds them. */
const maxMetaBytes = 1024 * 1024;

const types: Readonly<Record<string, EntryType>> = {
  "0": "file",
  "\0": "file",
  "1": "hard link",
  "2": "link",
  "3": "character device",
  "4": "block device",
  "5": "directory",
  "6": "fifo",
  // A contiguous file is an ordinary one where the system has none (POSIX.1-1988).
  "7": "file",
  S: "file",
};

/** Reads the entries one by one. After each, its stored bytes must be taken from the stream before the next. */
export class TarReader {
  readonly #stream: PlainStream;
  #padding = 0;

  constructor(stream: PlainStream) {
    this.#stream = stream;
  }

  /**
   * The next entry, or undefined at the archive's end.
   *
   * @throws {LayerError} when the stream is no well-formed archive.
   */
  next(): TarEntry | undefined {
    this.#stream.skip(this.#padding);
    this.#padding = 0;
    let records: PaxRecords | undefined;
    let longName = "";
    let longLink = "";
    for (;;) {
      const header = this.#header();
      if (header === undefined) return undefined;
      switch (header.type) {
        case "x":
          records = parsePax(this.#meta(header));
          break;
        case "g":
          // Of all that follows: the reference reads none of it, and no layer needs it.
          this.#meta(header);
          break;
        case "L":
          longName = upToNul(this.#meta(header));
          break;
        case "K":
          longLink = upToNul(this.#meta(header));
          break;
        default:
          return this.#entry(header, records, longName, longLink);
      }
    }
  }

  /** The next header; its block still lies at the stream's position. */
  #header(): TarHeader | undefined {
    const stream = this.#stream;
    if (!this.#hasBlock()) return undefined;
    const { bytes } = stream.buffer;
    if (isZeroBlock(bytes, stream.position)) {
      stream.position += blockBytes;
      if (!this.#hasBlock() || isZeroBlock(bytes, stream.position)) return undefined;
      throw new LayerError("there is a block of zeros in the middle of it: it is damaged");
    }
    return parseTarHeader(bytes, stream.position);
  }

  #hasBlock(): boolean {
    if (this.#stream.has(blockBytes)) return true;
    if (!this.#stream.isEmpty) throw truncated();
    return false;
  }

  #meta({ sizeBytes, type }: TarHeader): string {
    this.#stream.position += blockBytes;
    if (sizeBytes < 0 || sizeBytes > maxMetaBytes) {
      throw new LayerError(
        `an extended header (type ${type}) has ${sizeBytes} bytes: ${maxMetaBytes} are the most`,
      );
    }
    const text = this.#stream.takeText(sizeBytes);
    this.#stream.skip(paddingOf(sizeBytes));
    return text;
  }

  #entry(
    header: TarHeader,
    records: PaxRecords | undefined,
    longName: string,
    longLink: string,
  ): TarEntry {
    let name = header.name;
    let linkName = header.linkName;
    let { user, group, sizeBytes } = header;
    let modified: Timespec = { seconds: header.modified, nanoseconds: 0 };
    let accessed = modified;
    let xattrs: ReadonlyMap<string, string> | undefined;
    let holes: SparseHeader | undefined;
    try {
      if (records !== undefined) {
        name = records.get("path") || name;
        linkName = records.get("linkpath") || linkName;
        user = paxNumber(records, "uid") ?? user;
        group = paxNumber(records, "gid") ?? group;
        sizeBytes = paxNumber(records, "size") ?? sizeBytes;
        modified = paxTime(records, "mtime") ?? modified;
        accessed = paxTime(records, "atime") ?? modified;
        xattrs = paxXattrs(records);
        holes = paxSparse(records);
      }
      name = longName || name;
      linkName = longLink || linkName;
      let type = types[header.type];
      if (type === undefined) throw unknownType(header.type);
      // The older tars have no type for directories.
      if (header.type === "\0" && name.endsWith("/")) type = "directory";
      if (sizeBytes < 0) throw new LayerError(`its size is ${sizeBytes}`);
      let sparse: SparseMap | undefined;
      let storedBytes = type === "file" ? sizeBytes : 0;
      if (holes !== undefined || header.type === "S") {
        if (type !== "file") throw new LayerError(`it is a ${type} with holes`);
        this.#padding = paddingOf(sizeBytes);
        ({ sparse, storedBytes } = this.#sparse(header, holes, sizeBytes));
        name = holes?.name ?? name;
      } else {
        this.#stream.position += blockBytes;
        this.#padding = paddingOf(storedBytes);
      }
      const { mode, major, minor } = header;
      const numbers = { mode: mode & 0o7777, user, group, major, minor };
      return { type, name, linkName, ...numbers, modified, accessed, storedBytes, sparse, xattrs };
    } catch (error) {
      if (error instanceof LayerError) error.entry ??= name;
      throw error;
    }
  }

  #sparse(header: TarHeader, holes: SparseHeader | undefined, sizeBytes: number) {
    const stream = this.#stream;
    const nextBlock = () => {
      if (!stream.has(blockBytes)) throw truncated();
      const block = stream.buffer.bytes.subarray(stream.position, stream.position + blockBytes);
      stream.position += blockBytes;
      return block;
    };
    const block = nextBlock();
    let sparse: SparseMap;
    let storedBytes = sizeBytes;
    if (header.type === "S") {
      if (header.format !== "gnu") throw unknownType("S");
      // The map may be longer than the buffer holds: the first block is read before it is overwritten.
      sparse = readOldMap(Buffer.from(block), nextBlock);
    } else {
      const regions =
        holes?.regions ??
        readLeadingMap(() => {
          if (storedBytes < blockBytes) throw truncated();
          storedBytes -= blockBytes;
          return nextBlock();
        });
      sparse = { sizeBytes: holes?.sizeBytes ?? sizeBytes, regions };
    }
    checkSparse(sparse, storedBytes);
    return { sparse, storedBytes };
  }
}

function paddingOf(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes;
}

function upToNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

function unknownType(type: string): LayerError {
  return new LayerError(`its type is ${JSON.stringify(type)}, which no layer may hold`);
}
