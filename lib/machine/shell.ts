/**
 * Which shell and which programs a machine has.
 *
 * @module
 */

import { statSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX_PATH } from "../init/init_files.ts";
import { resolveInside } from "../trees/root_tree.ts";

/** The shells looked for in an image, best first. */
const shells = ["/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/sh"];

/**
 * The command line of the image's shell, or that of man8s-init's busybox where
 * the image has none.
 */
export function findShell(tree: string): readonly string[] {
  const shell = shells.find((path) => isExecutableInside(tree, path));
  return shell === undefined ? [BUSYBOX_PATH, "sh"] : [shell];
}

/**
 * Finds a command as execvp(3) would inside a root tree; a name that is not
 * found stays as it is, for the machine to complain about.
 *
 * @param searchPath the machine's PATH.
 */
export function findCommand(tree: string, command: string, searchPath: string): string {
  if (command.includes("/")) return command;
  const folder = searchPath
    .split(":")
    .find((path) => path.startsWith("/") && isExecutableInside(tree, join(path, command)));
  return folder === undefined ? command : join(folder, command);
}

/** Whether a path of a root tree leads to a program. */
export function isExecutableInside(tree: string, path: string): boolean {
  try {
    const { hostPath, exists } = resolveInside(tree, path);
    return exists && statSync(hostPath).isFile() && (statSync(hostPath).mode & 0o111) !== 0;
  } catch {
    // Links that loop, a file used as a directory: no shell, whatever the reason.
    return false;
  }
}
