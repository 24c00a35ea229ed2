/**
 * Files of one kind that follow from a host's state (units of relays, health checks): those that are wanted, held
 * against those that are there, then shown or written. A run that is killed meanwhile is ended by the next one.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { foldersBelow } from "../paths.ts";
import type { DerivedFile } from "../network/host_state.ts";
import {
  hasContent,
  makeDirectory,
  readTextIfPresent,
  removeFile,
  writeFileDurably,
} from "./files.ts";
import type { Host } from "./host.ts";

/** What makes a host's files those that are wanted. Its paths are as we see them, below the host's root. */
export interface FileChanges<File extends DerivedFile = DerivedFile> {
  /** Those that differ, and those that a killed run wrote of which systemd was not told. */
  readonly write: readonly File[];
  readonly remove: readonly string[];
  /** Stands from the first change until all are in use, and names what is written, a path on each line. */
  readonly journal: string;
}

/** How files of one kind are put to use. */
export interface FileUse<File extends DerivedFile> {
  /** Ends what runs by files that are about to go. */
  readonly stop: (paths: readonly string[]) => Promise<void>;
  /** Has what runs use files that were written; only on a live host, when systemd knows of them. */
  readonly restart: (files: readonly File[]) => Promise<void>;
}

/**
 * Compares the files that are wanted with those that are there.
 *
 * @param kind names the journal, one for each kind.
 * @param wanted as the host itself sees them.
 * @param present all files of this kind that there are, as we see them.
 */
export function compareFiles<File extends DerivedFile>(
  root: string,
  kind: string,
  wanted: readonly File[],
  present: readonly string[],
): FileChanges<File> {
  const journal = join(foldersBelow(root).state, `.unfinished-${kind}`);
  const unfinished = new Set(readTextIfPresent(journal)?.split("\n"));
  const files = wanted.map((file) => ({ ...file, path: join(root, file.path) }));
  const kept = new Set(files.map(({ path }) => path));
  return {
    write: files.filter(
      ({ path, text, mode }) => unfinished.has(path) || !hasContent(path, text, mode),
    ),
    remove: present.filter((path) => !kept.has(path)),
    journal,
  };
}

/** One line for each change. */
export function previewFiles({ write, remove }: FileChanges): string[] {
  return [...write.map(({ path }) => `write ${path}`), ...remove.map((path) => `remove ${path}`)];
}

/**
 * Carries changes out, and has them used at once on a live host. Does nothing where there is nothing to change.
 *
 * @throws {MbctlError} when a file cannot be written, or systemd does not reload.
 */
export async function applyFiles<File extends DerivedFile>(
  host: Host,
  { write, remove, journal }: FileChanges<File>,
  { stop, restart }: FileUse<File>,
): Promise<void> {
  const isUnfinished = readTextIfPresent(journal) !== undefined;
  if (write.length + remove.length === 0 && !isUnfinished) return;
  makeDirectory(dirname(journal), 0o755);
  writeFileDurably(journal, write.map(({ path }) => `${path}\n`).join(""), 0o600);
  if (remove.length > 0) await stop(remove);
  for (const path of remove) removeFile(path);
  for (const { path, text, mode } of write) {
    makeDirectory(dirname(path), 0o755);
    writeFileDurably(path, text, mode);
  }
  if (host.isLive) {
    await host.run(["systemctl", "daemon-reload"], { timeoutMs: 60_000 });
    if (write.length > 0) await restart(write);
  }
  removeFile(journal);
}
