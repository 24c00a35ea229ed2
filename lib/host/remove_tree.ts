/**
 * Removing whole trees.
 *
 * @module
 */

import { lstatSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { MbctlError } from "../errors.ts";
import { syncDirectory } from "./files.ts";

/**
 * Removes a file or a tree, following no link; none is no error. A tree in
 * which something is mounted is refused: what is mounted there is not ours.
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
  rmSync(path, { recursive: true, force: true });
  syncDirectory(dirname(path));
}

/** The mount points at or below a path (proc_pid_mountinfo(5): blanks are octal escapes). */
function mountsBelow(path: string): string[] {
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
