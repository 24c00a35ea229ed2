/**
 * A tar stream from a machine, written below an empty folder that nobody else can enter. The machine is hostile:
 * every name is taken apart, every parent is a folder that was made here, and nothing that is there is opened.
 *
 * @module
 */

import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { cleanName, splitPath } from "../layers/entry_name.ts";
import { LayerError } from "../layers/layer_error.ts";
import { PlainStream, type ReadInto } from "../layers/plain_stream.ts";
import { type TarEntry, TarReader } from "../layers/tar_reader.ts";

/** What came. */
export interface Received {
  /** "directory": what lies in the folder is what came, and the folder has its mode; "file": one file lies in it. */
  readonly kind: "directory" | "file";
  /** The name of the file, Latin-1; "" of a folder. */
  readonly name: string;
  /** What is neither file, folder nor link, Latin-1. */
  readonly leftOut: readonly string[];
}

/** The set-id bits stay behind: with another owner they would mean something else. */
const keptBits = 0o777;

/**
 * Writes the stream.
 *
 * @param folder empty, 0700, ours.
 * @param keepsOwners whether files get the ids that they have in the machine; else they are the caller's.
 * @throws {LayerError} for a stream that is broken or hostile; what node:fs throws.
 */
export function receiveTree(read: ReadInto, folder: string, keepsOwners: boolean): Received {
  const stream = new PlainStream(read);
  const reader = new TarReader(stream);
  const root = Buffer.from(`${folder}/`);
  const at = (path: string) => Buffer.concat([root, Buffer.from(path, "latin1")]);
  const folders = new Map<string, TarEntry | undefined>([["", undefined]]);
  const files = new Set<string>();
  const leftOut: string[] = [];
  let first: { readonly type: TarEntry["type"]; readonly path: string } | undefined;
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
    const path = cleanName(entry.name);
    first ??= { type: entry.type, path };
    const refuse = (state: string) => Object.assign(new LayerError(state), { entry: entry?.name });
    if (!folders.has(splitPath(path).parent)) throw refuse("it lies in no folder that came");
    const isFolder = entry.type === "directory";
    if (files.has(path) || (folders.has(path) && !(isFolder && path === ""))) {
      throw refuse("it came before");
    }
    switch (entry.type) {
      case "directory":
        if (path !== "") mkdirSync(at(path), { mode: 0o700 });
        folders.set(path, entry);
        break;
      case "file":
        if (entry.sparse !== undefined) throw refuse("it has holes");
        writeFile(at(path), entry, stream, keepsOwners);
        files.add(path);
        break;
      case "link":
        symlinkSync(Buffer.from(entry.linkName, "latin1"), at(path));
        if (keepsOwners) lchownSync(at(path), entry.user, entry.group);
        lutimesSync(at(path), entry.modified.seconds, entry.modified.seconds);
        break;
      case "hard link": {
        const target = cleanName(entry.linkName);
        if (!files.has(target)) throw refuse("it is a second name of a file that did not come");
        linkSync(at(target), at(path));
        files.add(path);
        break;
      }
      default:
        leftOut.push(path);
    }
  }
  stream.drain();
  // Children first: a folder may be read-only, and what is made in it changes its time.
  for (const [path, entry] of [...folders].reverse()) {
    if (entry === undefined) continue;
    if (keepsOwners) chownSync(at(path), entry.user, entry.group);
    chmodSync(at(path), entry.mode & keptBits);
    lutimesSync(at(path), entry.modified.seconds, entry.modified.seconds);
  }
  if (first === undefined) throw new LayerError("nothing came");
  const isFolder = first.type === "directory" && first.path === "";
  return { kind: isFolder ? "directory" : "file", name: isFolder ? "" : first.path, leftOut };
}

function writeFile(
  path: Buffer,
  { mode, user, group, modified, storedBytes }: TarEntry,
  stream: PlainStream,
  keepsOwners: boolean,
): void {
  const file = openSync(path, "wx", 0o600);
  try {
    stream.take(storedBytes, (address, length) => {
      const start = address - stream.buffer.address;
      const bytes = stream.buffer.bytes.subarray(start, start + length);
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    });
    if (keepsOwners) fchownSync(file, user, group);
    fchmodSync(file, mode & keptBits);
    futimesSync(file, modified.seconds, modified.seconds);
  } finally {
    closeSync(file);
  }
}
