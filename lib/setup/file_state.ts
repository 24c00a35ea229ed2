/**
 * Files as `host setup` finds and leaves them: bytes, mode and owner.
 *
 * @module
 */

import { lstatSync, readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { isErrno, nameExists, writeFileDurably } from "../host/files.ts";
import type { FileState } from "./record.ts";

/** A file that is to be there; where one is already, its mode and owner stay. */
export interface WantedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** Group of a new one; root without. */
  readonly group?: number | undefined;
}

/** A file as it lies there; undefined without one. */
export function readFileState(path: string): FileState | undefined {
  try {
    const { mode, uid, gid } = lstatSync(path);
    const content = readFileSync(path).toString("base64");
    return { content, mode: mode & 0o7777, owner: uid, group: gid };
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Where a path leads to: a file behind a link is what is read and written, and the link stays. */
export function resolveLinks(path: string): string {
  return nameExists(path) ? realpathSync(path) : path;
}

/** The folders above these paths that are not there, outermost first. */
export function missingFolders(paths: readonly string[]): string[] {
  const missing = new Set<string>();
  const look = (folder: string): void => {
    if (nameExists(folder) || missing.has(folder)) return;
    look(dirname(folder));
    missing.add(folder);
  };
  for (const path of paths) look(dirname(path));
  return [...missing];
}

/** Writes a file as it is to be, or as it was. */
export function writeFileState(path: string, { content, mode, owner, group }: FileState): void {
  const bytes = Buffer.from(content, "base64").toString("latin1");
  writeFileDurably(path, bytes, mode, "latin1", { uid: owner, gid: group });
}
