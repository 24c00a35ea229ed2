/**
 * Small files of the store: written under a name of their own, then renamed.
 * {@linkcode "../host/files.ts"} has one hidden name for each file; here several
 * processes may write the same file at the same time.
 *
 * @module
 */

import { closeSync, fsyncSync, lstatSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { makeDirectory, removeFile, syncDirectory } from "../host/files.ts";
import { ours } from "./paths.ts";

export interface StagedFileOptions {
  readonly mode: number;
  /** The folder in which it is staged; on the file system of the target. */
  readonly folder: string;
  /** First part of the staged name. */
  readonly prefix?: string;
  /** Whether it is to outlast a power loss when this returns. */
  readonly isDurable: boolean;
}

let count = 0;

/** A name that nobody else uses, in this process or another. */
export function freshName(prefix: string = `${ours}new.`): string {
  count += 1;
  return `${prefix}${process.pid}.${count}`;
}

/** Writes a whole file; the folders of target and staged file must exist. */
export function writeStagedFile(
  path: string,
  bytes: Uint8Array,
  { mode, folder, prefix, isDurable }: StagedFileOptions,
): void {
  const staged = join(folder, freshName(prefix));
  const file = openSync(staged, "w", mode);
  try {
    for (let at = 0; at < bytes.length;) {
      at += writeSync(file, bytes, at, bytes.length - at, at);
    }
    if (isDurable) fsyncSync(file);
  } catch (error) {
    removeFile(staged);
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(staged, path);
  if (isDurable) syncDirectory(dirname(path));
}

/** Makes the folders of the cache: blobs are root's alone, references are for completion to read. */
export function makeCacheFolders(paths: {
  readonly cache: string;
  readonly partial: string;
  readonly references: string;
}): void {
  makeDirectory(paths.cache, 0o755);
  // Version 0.1.0 kept a list of references at this name.
  if (lstatSync(paths.references, { throwIfNoEntry: false })?.isFile())
    removeFile(paths.references);
  makeDirectory(paths.partial, 0o700);
  makeDirectory(paths.references, 0o755);
}
