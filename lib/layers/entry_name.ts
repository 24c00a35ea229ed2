/**
 * Names as layers write them -> names inside the root tree.
 *
 * @module
 */

import { LayerError } from "./layer_error.ts";

/** The prefix of whiteouts (OCI image-spec, layer.md). */
export const whiteoutPrefix = ".wh.";
/** Hides all that lower layers left in its directory. */
export const opaqueMarker = ".wh..wh..opq";
/** What aufs kept for itself begins so, but for its opaque marker, which the specification took over. */
const aufsPrefix = ".wh..wh.";
const aufsRecord = /(?:^|\/)\.wh\.\.wh\.(?!\.opq(?:\/|$))/;

/** Longest path inside the tree, in bytes (PATH_MAX, its NUL aside). */
export const maxPathBytes = 4095;

/** A path inside the root tree, taken apart at its last slash. The root itself has neither part. */
export interface EntryPath {
  readonly parent: string;
  readonly base: string;
}

const isUnclean = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * A path inside the root tree: relative, without `.`, `..` or empty components.
 * `..` takes back the component before it, at the root nothing; it does so by the
 * text alone, as the reference does.
 *
 * @throws {LayerError} when it holds a NUL, or is too long.
 */
export function cleanName(name: string): string {
  if (name.includes("\0")) throw new LayerError("its name holds a NUL");
  let path = name;
  if (isUnclean.test(path)) {
    const parts: string[] = [];
    for (const part of path.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    path = parts.join("/");
  }
  if (path.length <= maxPathBytes) return path;
  throw new LayerError(`its name is ${path.length} bytes long: ${maxPathBytes} are the most`);
}

/** Takes a clean path apart. */
export function splitPath(path: string): EntryPath {
  const slash = path.lastIndexOf("/");
  return slash < 0
    ? { parent: "", base: path }
    : { parent: path.slice(0, slash), base: path.slice(slash + 1) };
}

/** Whether a clean path is that of aufs' own records, or below them: old layers hold such, as neither files nor whiteouts. */
export function isAufsRecord(path: string): boolean {
  return path.includes(aufsPrefix) && aufsRecord.test(path);
}
