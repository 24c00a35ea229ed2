/**
 * The operands of `machines cp`: a path in a machine, a path of the host, or `-`.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { isMachineName, type MachineName } from "../spec/machine_name.ts";

export type CopyOperand =
  /** `NAME:/path`; a relative path is meant from the root, as podman means it. */
  | { readonly kind: "machine"; readonly name: MachineName; readonly path: string }
  | { readonly kind: "host"; readonly path: string }
  /** `-`: a tar stream. */
  | { readonly kind: "stream" };

/**
 * Reads an operand. A path of the host with a colon in it needs a slash before that: `./a:b`.
 *
 * @throws {MbctlError} (usage) for a path that is empty or holds a NUL.
 */
export function parseCopyOperand(text: string): CopyOperand {
  if (text === "-") return { kind: "stream" };
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0));
  const path = isMachineName(name) ? text.slice(colon + 1) : text;
  if (path === "" || path.includes("\0")) {
    throw usageError(
      `Cannot copy ${JSON.stringify(text)}: it names no path`,
      "write NAME:/path, a path of this host, or - for a tar stream",
    );
  }
  if (!isMachineName(name)) return { kind: "host", path };
  return { kind: "machine", name, path: path.startsWith("/") ? path : `/${path}` };
}

/** How a path ends: what its last part is called, and whether a folder's contents are meant (`/.`). */
export function lastPart(path: string): { readonly name: string; readonly isContents: boolean } {
  const parts = path.split("/").filter((part) => part !== "");
  const isContents = parts.at(-1) === "." || parts.length === 0;
  const name = parts.filter((part) => part !== ".").at(-1) ?? "";
  return { name, isContents: isContents || name === "" || name === ".." };
}
