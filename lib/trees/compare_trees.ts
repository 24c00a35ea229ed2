/**
 * Comparing two root trees, entry by entry.
 *
 * @module
 */

import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { getXattr, listXattrs } from "../host/libc.ts";

/** Names of images are bytes: they need not be UTF-8. */
type Path = Buffer;

const slash = Buffer.from("/");
const chunkBytes = 1 << 20;
/** Entries between two turns of the event loop, so that Ctrl-C is heard. */
const turn = 256;

/**
 * Compares type, mode, numeric owner, time of last change to the nanosecond (not
 * of directories), extended attributes, link targets, hard links, device numbers and content. Of
 * the two trees nothing is followed, and nothing changed.
 *
 * @returns the first difference in words, such as `/etc/passwd: its mode is 600, not 644`; undefined when there is none.
 */
export async function compareTrees(
  actual: string,
  expected: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const inodes = new Map<bigint, bigint>();
  const open: { below: Path }[] = [{ below: Buffer.alloc(0) }];
  let seen = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { below } = next;
    if (++seen % turn === 0) await new Promise(setImmediate);
    signal?.throwIfAborted();
    const [a, b] = [join(actual, below), join(expected, below)];
    const [statA, statB] = [lstatSync(a, { bigint: true }), lstatSync(b, { bigint: true })];
    const difference = compareEntries(a, statA, b, statB, inodes);
    if (difference !== undefined) return `${below.toString() || "/"}: ${difference}`;
    if (!statA.isDirectory()) continue;
    const [namesA, namesB] = [namesIn(a), namesIn(b)];
    const odd = firstOdd(namesA, namesB);
    if (odd !== undefined) {
      const path = Buffer.concat([below, slash, odd]).toString();
      return namesB.some((name) => name.equals(odd))
        ? `${path}: it is missing`
        : `${path}: it is not of the image`;
    }
    for (const name of namesA) open.push({ below: Buffer.concat([below, slash, name]) });
  }
  return undefined;
}

function join(root: string, below: Path): Path {
  return Buffer.concat([Buffer.from(root), below]);
}

function namesIn(path: Path): Buffer[] {
  return readdirSync(path, { encoding: "buffer" }).sort(Buffer.compare);
}

/** The first name that one of two sorted lists lacks. */
function firstOdd(a: readonly Buffer[], b: readonly Buffer[]): Buffer | undefined {
  for (let place = 0; place < Math.max(a.length, b.length); place++) {
    const [left, right] = [a[place], b[place]];
    if (left === undefined || right === undefined) return left ?? right;
    if (!left.equals(right)) return Buffer.compare(left, right) < 0 ? left : right;
  }
  return undefined;
}

function compareEntries(
  a: Path,
  statA: BigIntStats,
  b: Path,
  statB: BigIntStats,
  inodes: Map<bigint, bigint>,
): string | undefined {
  const facts: readonly (readonly [name: string, fact: (stat: BigIntStats) => string])[] = [
    ["type", ({ mode }) => ((mode & 0o170000n) >> 12n).toString()],
    ["mode", ({ mode }) => (mode & 0o7777n).toString(8)],
    ["owner", ({ uid, gid }) => `${uid}:${gid}`],
    // A directory that no layer names has the time at which it was made.
    ["time", (stat) => (stat.isDirectory() ? "" : `${stat.mtimeNs}`)],
    [
      "device number",
      (stat) => (stat.isBlockDevice() || stat.isCharacterDevice() ? `${stat.rdev}` : ""),
    ],
    ["size", (stat) => (stat.isFile() ? `${stat.size}` : "")],
    ["count of names", (stat) => (stat.isDirectory() ? "" : `${stat.nlink}`)],
  ];
  for (const [name, fact] of facts) {
    const [is, should] = [fact(statA), fact(statB)];
    if (is !== should) return `its ${name} is ${is}, not ${should}`;
  }
  if (statA.nlink > 1n && !statA.isDirectory()) {
    const known = inodes.get(statA.ino);
    if (known !== undefined && known !== statB.ino) return "it is a hard link to another file";
    inodes.set(statA.ino, statB.ino);
    // Its other name has been compared.
    if (known !== undefined) return undefined;
  }
  if (
    statA.isSymbolicLink() &&
    !readlinkSync(a, { encoding: "buffer" }).equals(readlinkSync(b, { encoding: "buffer" }))
  ) {
    return "it leads elsewhere";
  }
  const attributes = listXattrs(b).sort();
  if (listXattrs(a).sort().join("\0") !== attributes.join("\0"))
    return "it has other extended attributes";
  for (const name of attributes) {
    if (!Buffer.from(getXattr(a, name)).equals(Buffer.from(getXattr(b, name))))
      return `its attribute ${name} is another`;
  }
  return statA.isFile() && !hasSameContent(a, b) ? "its content is another" : undefined;
}

function hasSameContent(a: Path, b: Path): boolean {
  const files = [openSync(a, "r"), openSync(b, "r")] as const;
  const buffers = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)] as const;
  try {
    for (;;) {
      const lengths = files.map((file, place) =>
        readSync(file, buffers[place === 0 ? 0 : 1], 0, chunkBytes, null),
      );
      const [length = 0, other = 0] = lengths;
      if (length !== other) return false;
      if (length === 0) return true;
      if (!buffers[0].subarray(0, length).equals(buffers[1].subarray(0, length))) return false;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}
