/**
 * Settles a tree: carries out what settle_plan.ts planned. It resolves every path inside the tree and follows no link at
 * its end, so that a hostile tree leads nowhere. The tree is staged, or its machine does not run.
 *
 * @module
 */

import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { usageError } from "../errors.ts";
import { stagedName } from "../paths.ts";
import { removeTree } from "../trees/remove_tree.ts";
import { makeDirectoryInside, resolveInside } from "../trees/root_tree.ts";
import { readTree } from "./read_tree.ts";
import { forgetIdentity } from "./settle_new.ts";
import { planSettling } from "./settle_plan.ts";
import type { SystemSettings } from "./system_settings.ts";
import type { TreeChange, TreeOwner } from "./tree_change.ts";

/**
 * Makes a tree that of a machine. May be repeated: after a clone, a new name, a new address.
 *
 * @param tree a root tree that no machine runs from.
 * @param options `isNew`: it has never run as this machine.
 * @returns what will not work, as sentences.
 * @throws {MbctlError} (conflict) when the user cannot be made, (usage) when the tree is hostile.
 */
export function settleSystem(
  tree: string,
  settings: SystemSettings,
  { isNew = false }: { readonly isNew?: boolean | undefined } = {},
): readonly string[] {
  const plan = planSettling(readTree(tree), settings, { isNew });
  for (const change of plan.changes) applyTreeChange(tree, change);
  return plan.remarks;
}

/**
 * Takes from a copy of a system what it could be mistaken by for the first: machine-id, host keys, seeds.
 *
 * @param tree as that of {@linkcode settleSystem}.
 * @throws {MbctlError} (usage) when the tree is hostile.
 */
export function settleCopy(tree: string): void {
  for (const change of forgetIdentity(readTree(tree))) applyTreeChange(tree, change);
}

/** Carries out one change. @throws {MbctlError} (usage) when a folder is in the way, or links loop. */
export function applyTreeChange(tree: string, change: TreeChange): void {
  switch (change.kind) {
    case "write":
      writeInside(tree, change);
      break;
    case "link":
      replaceInside(tree, change.path, (path) => symlinkSync(change.target, path));
      break;
    case "remove":
      removeTree(place(tree, change.path));
      break;
    case "empty": {
      const { hostPath, exists } = resolveInside(tree, change.path);
      if (!exists || !lstatSync(hostPath).isDirectory()) break;
      for (const name of readdirSync(hostPath)) removeTree(join(hostPath, name));
      break;
    }
    case "copy-folder": {
      const { hostPath: from, exists } = resolveInside(tree, change.from);
      makeDirectoryInside(tree, dirname(change.path));
      const into = place(tree, change.path);
      mkdirSync(into, { mode: 0o700 });
      if (exists && lstatSync(from).isDirectory()) copyEntries(from, into, change.owner);
      chownSync(into, change.owner.uid, change.owner.gid);
      chmodSync(into, change.mode);
      break;
    }
  }
}

/** Where a name of the tree is, a link at its end not followed. */
function place(tree: string, path: string): string {
  return resolveInside(tree, path, { followLast: false }).hostPath;
}

function writeInside(
  tree: string,
  { path, text, mode, owner }: Extract<TreeChange, { kind: "write" }>,
): void {
  const former = lstatSync(place(tree, path), { throwIfNoEntry: false });
  const kept = former?.isFile() === true ? former : undefined;
  const { uid, gid } = owner ?? kept ?? { uid: 0, gid: 0 };
  replaceInside(tree, path, (staged) => {
    const file = openSync(staged, "wx", 0o600);
    try {
      writeFileSync(file, text);
      fchownSync(file, uid, gid);
      fchmodSync(file, mode ?? (kept === undefined ? 0o644 : kept.mode & 0o7777));
    } finally {
      closeSync(file);
    }
  });
}

/** Makes something beside its place, then moves it there: a link that has the name is replaced, not followed. */
function replaceInside(tree: string, path: string, make: (staged: string) => void): void {
  makeDirectoryInside(tree, dirname(path));
  const target = place(tree, path);
  if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(
      `Cannot write ${JSON.stringify(path)} of the root tree: it is a folder there`,
      "the image is broken or hostile: do not run it",
    );
  }
  const staged = stagedName(target);
  // What has our own name for it, a folder too, is nothing of the distribution's.
  removeTree(staged);
  make(staged);
  renameSync(staged, target);
}

/** Files, folders and links; anything else has no place in a skeleton of a home. */
function copyEntries(from: string, into: string, { uid, gid }: TreeOwner): void {
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(into, name)];
    const entry = lstatSync(source);
    if (entry.isSymbolicLink()) {
      symlinkSync(readlinkSync(source), target);
      lchownSync(target, uid, gid);
    } else if (entry.isDirectory()) {
      mkdirSync(target, { mode: 0o700 });
      copyEntries(source, target, { uid, gid });
      chownSync(target, uid, gid);
      chmodSync(target, entry.mode & 0o777);
    } else if (entry.isFile()) {
      copyFileSync(source, target, constants.COPYFILE_EXCL);
      chownSync(target, uid, gid);
      chmodSync(target, entry.mode & 0o777);
    }
  }
}
