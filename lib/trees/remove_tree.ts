/**
 * Removing whole trees.
 *
 * @module
 */

import { closeSync, constants, fsyncSync, lstatSync, openSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { MbctlError } from "../errors.ts";
import { isOnBtrfs } from "./btrfs.ts";
import { removeEntry } from "./remove_directory.ts";

/**
 * Removes a file or a tree, following no link; none is no error. A tree in
 * which something is mounted is refused: what is mounted there is not ours.
 * Subvolumes of btrfs go as wholes, and neither a read-only one nor files marked
 * immutable are in the way. A removal that was killed is completed by the next one.
 *
 * @throws {MbctlError} (conflict) when a mount stands at or below the path.
 */
export function removeTree(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  const mounted = mountsBelow(path);
  if (mounted[0] !== undefined) {
    throw new MbctlError(
      "conflict",
      `Cannot remove ${JSON.stringify(path)}: ${mounted[0]} is mounted in it`,
      {
        hint: `umount ${mounted[0]}`,
      },
    );
  }
  const parent = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    removeEntry(parent, basename(path), isOnBtrfs(dirname(path)));
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}

/** The mount points at or below a path (proc_pid_mountinfo(5): blanks are octal escapes). */
export function mountsBelow(path: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((point) => point === path || point.startsWith(`${path}/`));
}
