/**
 * A root tree as text, one line for each name, to be compared with another: type, mode
 * with setuid, setgid and sticky, numeric owner, modification time to the nanosecond,
 * extended attributes, and what the type has of its own (content, target, device number,
 * the group of hard links). Names are bytes, shown as one character each.
 *
 * Not in it: access and change times, block counts (holes), inode numbers.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  type BigIntStats,
} from "node:fs";
import { getXattr, listXattrs } from "../../lib/host/libc.ts";

/** One name of a tree. */
export interface Name {
  /** Below the tree, `.` for the tree itself; one character for each byte. */
  readonly path: string;
  readonly type: "dir" | "file" | "link" | "char" | "block" | "fifo" | "socket";
  /** Type, mode, owner, and all else but the time. */
  readonly text: string;
  /** Nanoseconds. */
  readonly mtime: bigint;
}

/** Contents up to this length are shown as they are. */
const shownBytes = 48;
/** A path that is longer is reached through an open directory: the kernel takes 4,095 bytes. */
const pathBytes = 3000;

/**
 * Everything below a folder, sorted by the bytes of the paths.
 *
 * @param without a name in the folder itself that is left out.
 */
export function readTree(tree: string, without?: string): Name[] {
  const names: Name[] = [];
  const groups = new Map<string, string>();
  const visit = (place: Buffer, path: string) => {
    const stat = lstatSync(place, { bigint: true });
    const type = typeOf(stat);
    const parts = [
      type,
      (stat.mode & 0o7777n).toString(8).padStart(4, "0"),
      `${stat.uid}:${stat.gid}`,
    ];
    if (type !== "dir" && stat.nlink > 1n) {
      const inode = `${stat.dev}:${stat.ino}`;
      const first = groups.get(inode) ?? path;
      groups.set(inode, first);
      // The count tells of names outside of the tree.
      parts.push(`${stat.nlink} names, first ${show(first)}`);
    }
    if (type === "char" || type === "block") parts.push(deviceText(stat.rdev));
    if (type === "link") parts.push(`-> ${show(latin1(readlinkSync(place, "buffer")))}`);
    if (type === "file") parts.push(contentText(readFileSync(place)));
    for (const name of listXattrs(place).sort()) {
      parts.push(`${name}=${show(latin1(getXattr(place, name)))}`);
    }
    names.push({ path, type, text: parts.join(" "), mtime: stat.mtimeNs });
    if (type !== "dir") return;
    const children = readdirSync(place, "buffer").sort(Buffer.compare);
    const below = path === "." ? "" : `${path}/`;
    const long = place.length > pathBytes;
    const folder = long ? openSync(place, constants.O_RDONLY | constants.O_DIRECTORY) : -1;
    const start = long ? Buffer.from(`/proc/self/fd/${folder}`) : place;
    for (const child of children) {
      if (path === "." && latin1(child) === without) continue;
      visit(Buffer.concat([start, Buffer.from("/"), child]), `${below}${latin1(child)}`);
    }
    if (long) closeSync(folder);
  };
  visit(Buffer.from(tree), ".");
  return names;
}

/** Lines as a test shows them; times from `since` on, in nanoseconds, are `now`. */
export function renderTree(names: readonly Name[], since: bigint): string[] {
  return names.map(({ path, text, mtime }) => `${show(path)} ${text} @${timeText(mtime, since)}`);
}

/** A time, or `now` where nothing set one. */
export function timeText(mtime: bigint, since: bigint): string {
  // Images may date from the far future: only what could be this test's own is `now`.
  if (mtime >= since && mtime < since + 86_400_000_000_000n) return "now";
  const seconds = mtime / 1_000_000_000n - (mtime % 1_000_000_000n < 0n ? 1n : 0n);
  return `${seconds}.${String(mtime - seconds * 1_000_000_000n).padStart(9, "0")}`;
}

function typeOf(stat: BigIntStats): Name["type"] {
  if (stat.isDirectory()) return "dir";
  if (stat.isFile()) return "file";
  if (stat.isSymbolicLink()) return "link";
  if (stat.isCharacterDevice()) return "char";
  if (stat.isBlockDevice()) return "block";
  return stat.isFIFO() ? "fifo" : "socket";
}

/** Major and minor number as the kernel gives them to user space (makedev(3)). */
function deviceText(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

function contentText(content: Buffer): string {
  if (content.length <= shownBytes) return show(latin1(content));
  return `${content.length} bytes, ${createHash("sha256").update(content).digest("hex")}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Text with quotes where it needs them; long ones as their length and hash. */
function show(text: string): string {
  if (text.length > 300) {
    const hash = createHash("sha256").update(text, "latin1").digest("hex").slice(0, 16);
    return `${JSON.stringify(text.slice(0, 20))}… (${text.length} bytes, ${hash})`;
  }
  return /^[\w./:-]+$/.test(text) ? text : JSON.stringify(text);
}
