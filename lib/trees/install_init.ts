/**
 * Puts man8s-init into a root tree.
 *
 * @module
 */

import { chmodSync, copyFileSync, lstatSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MbctlError } from "../errors.ts";
import {
  BUSYBOX_MODE,
  BUSYBOX_PATH,
  ENV_FILE_PATH,
  INIT_DIR,
  INIT_FILES,
  KEPT_FOLDERS,
  MOUNT_POINTS,
} from "../init/init_files.ts";
import { listDirectory, syncDirectory } from "../host/files.ts";
import { removeTree } from "./remove_tree.ts";
import { makeDirectoryInside, resolveInside } from "./root_tree.ts";
import type { Run } from "../host/run.ts";

/**
 * Installs man8s-init, in the place of an earlier one: prepared beside it, then
 * renamed. What the tree has in /run and /tmp is copied along, because nspawn
 * mounts a tmpfs over both.
 *
 * @param tree a root tree that no machine runs from.
 * @param busybox a static one, on the host.
 * @throws {MbctlError} (usage) when the image has something at our names that is
 * not ours: a link there could lead to the host.
 */
export async function installInit(run: Run, tree: string, busybox: string): Promise<void> {
  requireOwnName(tree, ENV_FILE_PATH, "file");
  requireOwnName(tree, INIT_DIR, "directory");
  const target = join(tree, INIT_DIR);
  const staged = join(tree, ".mbctl-new.man8s-init");
  const old = join(tree, ".mbctl-old.man8s-init");
  const inStaged = (path: string) => join(staged, path.slice(INIT_DIR.length));
  removeTree(staged);
  makeFolder(staged);
  copyFileSync(busybox, inStaged(BUSYBOX_PATH));
  chmodSync(inStaged(BUSYBOX_PATH), BUSYBOX_MODE);
  for (const { name, mode, text } of INIT_FILES) {
    writeFileSync(join(staged, name), text, { mode, flag: "wx" });
    chmodSync(join(staged, name), mode);
  }
  for (const { from, to, except } of KEPT_FOLDERS)
    await keepFolder(run, tree, from, inStaged(to), except);
  if (lstatSync(join(tree, ENV_FILE_PATH), { throwIfNoEntry: false }) === undefined) {
    writeFileSync(join(tree, ENV_FILE_PATH), "", { mode: 0o600, flag: "wx" });
  }
  for (const { path, mode } of MOUNT_POINTS) makeDirectoryInside(tree, path, mode);
  removeTree(old);
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) renameSync(target, old);
  renameSync(staged, target);
  syncDirectory(tree);
  removeTree(old);
}

async function keepFolder(
  run: Run,
  tree: string,
  folder: string,
  kept: string,
  except: readonly string[],
): Promise<void> {
  const { hostPath, exists } = resolveInside(tree, folder);
  if (!exists || !lstatSync(hostPath).isDirectory()) return;
  const names = listDirectory(hostPath).filter((name) => !except.includes(name));
  if (names.length === 0) return;
  mkdirSync(dirname(kept), { recursive: true, mode: 0o755 });
  makeFolder(kept);
  await run([
    "cp",
    "-a",
    "--reflink=auto",
    "--",
    ...names.map((name) => join(hostPath, name)),
    kept,
  ]);
}

function makeFolder(path: string): void {
  mkdirSync(path, { mode: 0o755 });
  chmodSync(path, 0o755);
}

function requireOwnName(tree: string, path: string, kind: "file" | "directory"): void {
  const entry = lstatSync(join(tree, path), { throwIfNoEntry: false });
  if (entry === undefined || (kind === "file" ? entry.isFile() : entry.isDirectory())) return;
  const what = entry.isSymbolicLink() ? "a symbolic link" : "something else";
  throw new MbctlError(
    "usage",
    `Cannot install man8s-init in ${JSON.stringify(tree)}: ${path} is ${what} there`,
    {
      hint: "the image is hostile or made for something else: do not run it",
    },
  );
}
