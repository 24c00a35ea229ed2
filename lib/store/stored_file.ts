/**
 * What a store's files take.
 *
 * @module
 */

import { lstatSync, readdirSync, type Stats } from "node:fs";
import { isErrno } from "../host/files.ts";

/** A file of the store. */
export interface StoredFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** What it takes on the disk. */
  readonly allocatedBytes: number;
  readonly modifiedMs: number;
}

/** What is known of a name; nothing when it is not there. */
export function statFile(path: string, only?: "file"): StoredFile[] {
  const found = statusOf(path);
  if (found === undefined || (only === "file" && found.isDirectory())) return [];
  return [
    {
      path,
      sizeBytes: found.size,
      allocatedBytes: found.blocks * 512,
      modifiedMs: found.mtimeMs,
    },
  ];
}

/** What a user may not see is not there for him: he asks the registry. */
export function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return undefined;
    throw error;
  }
}

/** Counts what is below a folder; a file with several names counts once. */
export function measureTree(path: string): { entries: number; allocatedBytes: number } {
  const seen = new Set<string>();
  let entries = 0;
  let allocatedBytes = 0;
  const add = (name: Buffer) => {
    const found = lstatSync(name, { throwIfNoEntry: false });
    if (found === undefined) return false;
    entries += 1;
    const isNew = found.nlink < 2 || found.isDirectory() || !seen.has(`${found.dev}:${found.ino}`);
    if (isNew) allocatedBytes += found.blocks * 512;
    if (found.nlink > 1) seen.add(`${found.dev}:${found.ino}`);
    return found.isDirectory();
  };
  // Names of images are bytes: they need not be UTF-8.
  const folders = [Buffer.from(path)];
  add(Buffer.from(path));
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of readdirSync(folder, { encoding: "buffer" })) {
      const inside = Buffer.concat([folder, Buffer.from("/"), name]);
      if (add(inside)) folders.push(inside);
    }
  }
  return { entries, allocatedBytes };
}
