/**
 * Reads a root tree of a machine that does not run: nothing of it is followed out of it.
 *
 * @module
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from "node:fs";
import { MbctlError } from "../errors.ts";
import { resolveInside } from "../trees/root_tree.ts";
import type { TreeView } from "./tree_view.ts";

/** No file that is read is longer: a hostile one must not fill the memory. */
const longestFile = 1 << 20;

/** The view of a tree at a path of the host. */
export function readTree(tree: string): TreeView {
  return {
    kind: (path) => kindOf(resolve(tree, path, false)),
    read: (path) => readFile(resolve(tree, path, true)),
    list: (path) => listFolder(resolve(tree, path, true)),
  };
}

/** The path on the host; undefined where links loop, or lead through what is no folder. */
function resolve(tree: string, path: string, followLast: boolean): string | undefined {
  try {
    const { hostPath, exists } = resolveInside(tree, path, { followLast });
    return exists ? hostPath : undefined;
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}

function kindOf(path: string | undefined): ReturnType<TreeView["kind"]> {
  const entry = path === undefined ? undefined : lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return undefined;
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "link" : "other";
}

function readFile(path: string | undefined): string | undefined {
  if (path === undefined || kindOf(path) !== "file") return undefined;
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const size = Math.min(fstatSync(file).size, longestFile);
    const bytes = Buffer.alloc(size);
    return bytes.toString("utf8", 0, readSync(file, bytes, 0, size, 0));
  } finally {
    closeSync(file);
  }
}

function listFolder(path: string | undefined): readonly string[] {
  return path !== undefined && kindOf(path) === "directory" ? readdirSync(path).sort() : [];
}
