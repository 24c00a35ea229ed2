/**
 * Paths inside a root tree, resolved as a process with that root would resolve
 * them. An image is hostile until proven otherwise: its `/man8env.env` may be a
 * link to `/etc/shadow` of the host. Nothing below a root tree is opened but
 * through this file.
 *
 * Resolution in user space is sound only where nobody else writes to the tree
 * meanwhile: in a staging folder of ours, or for a machine that does not run.
 *
 * @module
 */

import { chmodSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MbctlError, usageError } from "../errors.ts";

/** As the kernel: more links than this on one path are a loop (path_resolution(7), ELOOP). */
const maxLinks = 40;

/** A path of the image, resolved. */
export interface InsidePath {
  /** The path on the host; its parent directories hold no link. */
  readonly hostPath: string;
  /** The same place as the machine names it, without links. */
  readonly insidePath: string;
  readonly exists: boolean;
}

export interface ResolveOptions {
  /** Whether a link in the last component is followed; default true. */
  readonly followLast?: boolean;
}

/**
 * Finds where `path` leads inside `tree`: absolute links start at the tree's
 * root, `..` stops there.
 *
 * @throws {MbctlError} (usage) when links loop, or a parent is no directory.
 */
export function resolveInside(
  tree: string,
  path: string,
  options: ResolveOptions = {},
): InsidePath {
  const done: string[] = [];
  const todo = path.split("/").reverse();
  let links = 0;
  let exists = true;
  while (todo.length > 0) {
    const part = todo.pop();
    if (part === undefined || part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      exists = true;
      continue;
    }
    const hostPath = join(tree, ...done, part);
    const entry = exists ? lstatSync(hostPath, { throwIfNoEntry: false }) : undefined;
    if (entry === undefined) {
      exists = false;
      done.push(part);
      continue;
    }
    const isLast = todo.every((rest) => rest === "" || rest === ".");
    if (entry.isSymbolicLink() && !(isLast && options.followLast === false)) {
      if (++links > maxLinks)
        throw insideError(path, `more than ${maxLinks} symbolic links are on it`);
      const target = readlinkSync(hostPath);
      if (target.startsWith("/")) done.length = 0;
      todo.push(...target.split("/").reverse());
      continue;
    }
    if (!isLast && !entry.isDirectory()) {
      throw insideError(path, `/${[...done, part].join("/")} is no directory in the image`);
    }
    done.push(part);
  }
  return { hostPath: join(tree, ...done), insidePath: `/${done.join("/")}`, exists };
}

/**
 * Makes a directory inside a root tree; its parents are 0755 where they are
 * missing, what exists is left as it is.
 *
 * @param mode the directory's own permission bits, where it is missing.
 * @returns the directory's path on the host.
 * @throws {MbctlError} (usage) when something else has that name.
 */
export function makeDirectoryInside(tree: string, path: string, mode = 0o755): string {
  const target = resolveInside(tree, path);
  const parts = target.insidePath.split("/").filter((part) => part !== "");
  let current = tree;
  for (const [index, part] of parts.entries()) {
    current = join(current, part);
    const entry = lstatSync(current, { throwIfNoEntry: false });
    if (entry?.isDirectory()) continue;
    if (entry !== undefined)
      throw insideError(path, "something that is no directory has that name");
    mkdirSync(current, { mode: 0o755 });
    chmodSync(current, index === parts.length - 1 ? mode : 0o755);
  }
  return target.hostPath;
}

/**
 * Wants a directory to be inside a root tree, or nothing yet: what {@linkcode makeDirectoryInside} can make.
 *
 * @throws {MbctlError} (usage) when something else has that name, or is on the way to it.
 */
export function requireDirectoryInside(tree: string, path: string): void {
  const { hostPath, exists } = resolveInside(tree, path);
  if (!exists || lstatSync(hostPath).isDirectory()) return;
  throw usageError(
    `Cannot mount anything at ${JSON.stringify(path)}: what the root tree has there is no directory`,
    "name another path; of a volume that the image declares so, the kind skip leaves it as it is",
  );
}

/** Makes an empty file inside a root tree, 0644; what has that name, a link too, is left as it is. */
export function makeFileInside(tree: string, path: string): void {
  const { hostPath } = resolveInside(tree, path, { followLast: false });
  if (lstatSync(hostPath, { throwIfNoEntry: false }) !== undefined) return;
  makeDirectoryInside(tree, dirname(path));
  writeFileSync(hostPath, "", { mode: 0o644, flag: "wx" });
}

function insideError(path: string, state: string): MbctlError {
  return new MbctlError(
    "usage",
    `Cannot resolve ${JSON.stringify(path)} inside the root tree: ${state}`,
    {
      hint: "the image is broken or hostile: do not run it",
    },
  );
}

/** Directories of which a root tree has at least one. */
const signsOfRootTree = ["usr", "bin", "etc", "lib", "sbin"];

/**
 * Wants a path to be a root tree, so that a slip of the finger does not write
 * into somebody's home.
 *
 * @throws {MbctlError} (usage) when it is none, (conflict) when it is the host's own.
 */
export function requireRootTree(tree: string): void {
  const refuse = (state: string) =>
    new MbctlError("usage", `Cannot use ${JSON.stringify(tree)} as a root tree: ${state}`, {
      hint: "mbctl oci download IMAGE PATH makes one",
    });
  const entry = lstatSync(tree, { throwIfNoEntry: false });
  if (entry === undefined) throw refuse("there is no such directory");
  if (!entry.isDirectory()) throw refuse("it is no directory");
  const host = lstatSync("/");
  if (entry.dev === host.dev && entry.ino === host.ino) throw refuse("it is the root of this host");
  // A tree of one static program has none of them, but mbctl oci download left its configuration beside it.
  if (lstatSync(`${tree}.config.json`, { throwIfNoEntry: false }) !== undefined) return;
  if (
    !signsOfRootTree.some(
      (name) => lstatSync(join(tree, name), { throwIfNoEntry: false }) !== undefined,
    )
  ) {
    throw refuse(`it has none of ${signsOfRootTree.map((name) => `/${name}`).join(", ")}`);
  }
}

/** @throws {MbctlError} (conflict) when something has this name. */
export function requireFreePath(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  throw new MbctlError("conflict", `Cannot write ${JSON.stringify(path)}: it exists`, {
    hint: "choose another path, or remove it",
  });
}
