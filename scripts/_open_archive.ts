/** The archive that a verb is given. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { VerbContext } from "../lib/cli/context.ts";
import { usageError } from "../lib/errors.ts";
import { ArchiveReader } from "../lib/transfer/read_archive.ts";

/**
 * Opens an archive; `-` is standard input.
 *
 * @throws {MbctlError} (usage) when there is no such file.
 */
export function openArchive(
  { workingDirectory, signal }: VerbContext,
  file: string,
): ArchiveReader {
  if (file === "-") return new ArchiveReader(Bun.stdin.stream(), "on standard input", signal);
  const path = resolve(workingDirectory, file);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (isFolder !== false) {
    const state = isFolder === undefined ? "there is no such file" : "it is a folder";
    throw usageError(`Cannot read ${JSON.stringify(path)}: ${state}`);
  }
  return new ArchiveReader(Bun.file(path).stream(), JSON.stringify(file), signal);
}
