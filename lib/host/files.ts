/**
 * The one place where mbctl writes files: every write is staged beside its
 * target, synced, and renamed; a killed run leaves the old state or the new one.
 * `rewriteInPlace` alone does otherwise.
 *
 * @module
 */

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { MbctlError } from "../errors.ts";
import { stagedName } from "../paths.ts";
import { syncFileSystem } from "./libc.ts";

/**
 * Whether anything has this name: also a link that leads nowhere.
 *
 * @throws {MbctlError} (host) when a folder above it cannot be searched.
 */
export function nameExists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw explainDenial(path, error);
  }
}

/** A name beside a path at which nothing lies: for what an administrator wrote and mbctl must replace. */
export function freeNameBeside(path: string): string {
  const first = `${path}.mbctl-saved`;
  for (let n = 1, name = first; ; name = `${first}.${n++}`) {
    if (!nameExists(name)) return name;
  }
}

/** The folder that will hold a path whose own folder may not be there yet. */
export function nearestFolder(path: string): string {
  const folder = dirname(path);
  return nameExists(folder) ? folder : nearestFolder(folder);
}

/** The content of a file, or undefined when there is none. */
export function readTextIfPresent(
  path: string,
  encoding: "utf8" | "latin1" = "utf8",
): string | undefined {
  try {
    return readFileSync(path, encoding);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw explainDenial(path, error);
  }
}

/** The names in a directory, sorted; none when there is no such directory. */
export function listDirectory(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw explainDenial(path, error);
  }
}

/**
 * Writes another text into a file that is there, which stays the same file: who has it mounted sees the new text. Of a short
 * text a power loss leaves the former or the new one, as both are one block.
 */
export function rewriteInPlace(path: string, text: string, encoding: "utf8" | "latin1"): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    const bytes = Buffer.from(text, encoding);
    writeSync(file, bytes, 0, bytes.length, 0);
    ftruncateSync(file, bytes.length);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Where a symbolic link points, or undefined when the name is no link. */
export function readLinkIfPresent(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "EINVAL", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Makes a directory with this mode, and its parents with 0755, whatever the umask. What exists is left as it is. */
export function makeDirectory(path: string, mode: number): void {
  if (nameExists(path)) return;
  makeDirectory(dirname(path), 0o755);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another mbctl, at work on another machine, was faster.
    if (isErrno(error, "EEXIST")) return;
    throw error;
  }
  chmodSync(path, mode);
}

/** Whether a file has this content, mode and owner. */
export function hasContent(
  path: string,
  text: string,
  mode: number,
  encoding: "utf8" | "latin1" = "utf8",
  owner?: { readonly uid: number; readonly gid: number },
): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || (found.mode & 0o7777) !== mode) return false;
  const isOwned = owner === undefined || (found.uid === owner.uid && found.gid === owner.gid);
  return isOwned && readTextIfPresent(path, encoding) === text;
}

/**
 * Writes a whole file: staged as a hidden name beside it, synced, renamed.
 * A file that has this content and mode already is left alone.
 *
 * @returns whether anything was written.
 */
export function writeFileDurably(
  path: string,
  text: string,
  mode: number,
  encoding: "utf8" | "latin1" = "utf8",
  owner?: { readonly uid: number; readonly gid: number },
): boolean {
  const staged = stagedName(path);
  if (hasContent(path, text, mode, encoding, owner)) {
    // Of a run that was killed before it moved it here.
    if (nameExists(staged)) removeFile(staged);
    return false;
  }
  removeFile(staged);
  const file = openSync(staged, "wx", mode);
  try {
    const bytes = Buffer.from(text, encoding);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(staged, path);
  syncDirectory(dirname(path));
  return true;
}

/** Makes a symbolic link, in one step also where another link stands. */
export function writeSymlink(path: string, target: string): boolean {
  if (readLinkIfPresent(path) === target) return false;
  const staged = stagedName(path);
  removeFile(staged);
  symlinkSync(target, staged);
  renameSync(staged, path);
  syncDirectory(dirname(path));
  return true;
}

/** Moves a name within its file system; the target must be free. */
export function moveName(from: string, to: string): void {
  renameSync(from, to);
  syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) syncDirectory(dirname(from));
}

/** Removes one file or link; none is no error. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

/** Makes a rename or removal in a directory outlast a power loss. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Waits until all that was written to the file system of a directory lies on its disk. */
export function syncFileSystemOf(path: string): void {
  const directory = openSync(path, "r");
  try {
    syncFileSystem(directory);
  } finally {
    closeSync(directory);
  }
}

/** Whether an error is one of the kernel's that are named. */
export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? "");
}

/** A file that only root may see is no bug of ours: say what to do. */
export function explainDenial(path: string, error: unknown): unknown {
  if (!isErrno(error, "EACCES")) return error;
  return new MbctlError("host", `Cannot read ${JSON.stringify(path)}: permission is denied`, {
    hint: "run the command again with sudo",
  });
}
