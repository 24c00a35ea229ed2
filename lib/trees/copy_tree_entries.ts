/**
 * Copies the entries of a tree that it is told, one by one: what a child of the
 * copy does, and the copy itself where a tree is small.
 *
 * @module
 */

import { AttributeCopier } from "./copy_tree_attributes.ts";
import { DataCopier } from "./copy_tree_data.ts";
import { type FrameReader, FrameWriter } from "./copy_tree_frame.ts";
import {
  type Address,
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  close,
  fixedMemory,
  fixedName,
  linkAt,
  makeNodeAt,
  makeSymlinkAt,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_WRONLY,
  openAt,
  readLinkAt,
} from "../host/libc_at.ts";
import { setFileSize, Stat } from "../host/libc_open.ts";
import { openForReading, openPath } from "./open_path.ts";

/** Where a tree is copied from and to, and how. */
export interface EntryCopierOptions {
  /** The two roots, open. */
  readonly from: number;
  readonly to: number;
  /** Whether files are to share their blocks, where the file system lets them. */
  readonly reflink: boolean;
  /** Whether new entries belong to root by themselves: what does is not given to root again. */
  readonly bornToRoot: boolean;
}

/** Files of this size and more are told back, to be copied in parts. */
const largeBytes = 32 * 1024 * 1024;

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

/** Carries out the records of frames. */
export class EntryCopier {
  private readonly options: EntryCopierOptions;
  private readonly attributes: AttributeCopier;
  private readonly data: DataCopier;
  private readonly reply = new FrameWriter();
  private readonly stat = new Stat();
  private readonly target = fixedMemory(4097);
  private readonly empty = fixedName("");
  private directory: Uint8Array = new Uint8Array();
  private from = -1;
  private to = -1;

  constructor(options: EntryCopierOptions) {
    this.options = options;
    this.data = new DataCopier(options.reflink);
    this.attributes = new AttributeCopier(options.bornToRoot, (text) =>
      this.reply.op("W").name(Buffer.from(text)),
    );
  }

  /**
   * Does what a frame asks for.
   *
   * @returns the reply; the copy has failed where its last record is an X.
   */
  run(frame: FrameReader): Uint8Array<ArrayBuffer> {
    let name: Uint8Array = new Uint8Array();
    const take = (): Address => {
      name = frame.name();
      return frame.nameAddress;
    };
    try {
      while (!frame.isDone) {
        const op = frame.op();
        switch (op) {
          case "D":
            name = frame.name();
            this.enter(name);
            break;
          case "R":
            this.copyFile(take(), name, false);
            break;
          case "F":
            this.copyAny(take(), name, true);
            break;
          case "N":
            this.copyAny(take(), name, false);
            break;
          case "S":
            this.copyPart(take(), frame.number(), frame.number());
            break;
          case "E":
            this.finishFile(take());
            break;
          case "H":
            this.link(frame.name(), take());
            break;
          case "A":
            name = frame.name();
            this.finishDirectory(name);
            break;
          default:
            throw new TypeError(`The copy of a tree knows no record ${JSON.stringify(op)}`);
        }
      }
    } catch (error) {
      this.reply
        .op("X")
        .name(this.pathOf(name))
        .name(Buffer.from(describe(error)));
    } finally {
      this.leave();
    }
    return this.reply.take();
  }

  private enter(path: Uint8Array): void {
    this.leave();
    this.from = openPath(this.options.from, path);
    this.to = openPath(this.options.to, path);
    this.directory = path;
  }

  private leave(): void {
    if (this.from >= 0) close(this.from);
    if (this.to >= 0) close(this.to);
    this.from = this.to = -1;
    this.directory = new Uint8Array();
  }

  private pathOf(name: Uint8Array): Uint8Array {
    return this.directory.length === 0
      ? name
      : Buffer.concat([this.directory, Buffer.from("/"), name]);
  }

  private tellLinked(name: Uint8Array): void {
    const { device, inode } = this.stat;
    this.reply
      .op("L")
      .name(this.pathOf(name))
      .name(Buffer.from(`${device}:${inode}`));
  }

  private copyFile(address: Address, name: Uint8Array, evenIfLinked: boolean): void {
    const from = openForReading(this.from, address, O_NOFOLLOW | O_NONBLOCK);
    try {
      const stat = this.stat.read(from, this.empty.address, AT_EMPTY_PATH);
      if (stat.links > 1 && !evenIfLinked) {
        this.tellLinked(name);
        return;
      }
      const mode = stat.mode & 0o777;
      const to = openAt(this.to, address, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
      try {
        const { size } = stat;
        if (size > 0 && !this.data.share(from, to)) {
          if (size >= largeBytes) {
            setFileSize(to, size);
            this.reply.op("B").name(this.pathOf(name)).number(size);
            return;
          }
          this.data.copy(from, to, size, stat.allocated < size);
        }
        this.attributes.ofFile(from, to, stat, true);
      } finally {
        close(to);
      }
    } finally {
      close(from);
    }
  }

  private copyPart(address: Address, begin: number, end: number): void {
    this.withBoth(address, (from, to) => this.data.copyPart(from, to, begin, end));
  }

  private finishFile(address: Address): void {
    this.withBoth(address, (from, to) => {
      const stat = this.stat.read(from, this.empty.address, AT_EMPTY_PATH);
      this.attributes.ofFile(from, to, stat, true);
    });
  }

  private withBoth(address: Address, work: (from: number, to: number) => void): void {
    const from = openForReading(this.from, address, O_NOFOLLOW | O_NONBLOCK);
    try {
      const to = openAt(this.to, address, O_WRONLY | O_NOFOLLOW);
      try {
        work(from, to);
      } finally {
        close(to);
      }
    } finally {
      close(from);
    }
  }

  private copyAny(address: Address, name: Uint8Array, evenIfLinked: boolean): void {
    const stat = this.stat.read(this.from, address, AT_SYMLINK_NOFOLLOW);
    const type = stat.mode & S_IFMT;
    if (type === S_IFREG) {
      this.copyFile(address, name, evenIfLinked);
      return;
    }
    if (stat.links > 1 && !evenIfLinked) {
      this.tellLinked(name);
      return;
    }
    if (type === S_IFLNK) {
      readLinkAt(this.from, address, this.target);
      makeSymlinkAt(this.target.address, this.to, address);
    } else {
      makeNodeAt(this.to, address, stat.mode & (S_IFMT | 0o777), stat.node);
    }
    this.attributes.ofName(this.from, this.to, address, name, stat, type === S_IFLNK);
  }

  private link(first: Uint8Array, address: Address): void {
    const slash = first.lastIndexOf(0x2f);
    const parent = openPath(this.options.to, first.subarray(0, Math.max(slash, 0)));
    try {
      linkAt(parent, fixedName(first.subarray(slash + 1)).address, this.to, address);
    } finally {
      close(parent);
    }
  }

  private finishDirectory(path: Uint8Array): void {
    const from = openPath(this.options.from, path);
    try {
      const to = openPath(this.options.to, path);
      try {
        const stat = this.stat.read(from, this.empty.address, AT_EMPTY_PATH);
        this.attributes.ofFile(from, to, stat, false);
      } finally {
        close(to);
      }
    } finally {
      close(from);
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
