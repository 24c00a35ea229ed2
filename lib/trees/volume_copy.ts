/**
 * Copies what an image holds in a volume to the folder that is bound over it.
 *
 * @module
 */

import { chmodSync, chownSync, lstatSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { MbctlError } from "../errors.ts";
import { listDirectory, makeDirectory, moveName, nameExists } from "../host/files.ts";
import { removeTree } from "./remove_tree.ts";
import { resolveInside } from "./root_tree.ts";
import type { Run } from "../host/run.ts";

/** What a folder is made to be; ids as the machine sees them, which are those on the disk. */
export interface FolderOwner {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** 0 to 0o7777. */
  readonly mode?: number | undefined;
}

/**
 * Copies the directory `path` of a root tree to `into`, which it makes:
 * owners, modes, times, xattrs and links kept. A path that the image lacks
 * gives an empty directory, 0755 root.
 *
 * @throws {MbctlError} (usage) when the path is no directory in the image.
 */
export async function copyVolume(
  run: Run,
  tree: string,
  path: string,
  into: string,
  owner: FolderOwner = {},
): Promise<void> {
  const source = resolveInside(tree, path);
  makeDirectory(dirname(into), 0o755);
  if (!source.exists) {
    makeDirectory(into, 0o755);
    return setOwner(into, owner);
  }
  if (!lstatSync(source.hostPath).isDirectory()) {
    throw new MbctlError(
      "usage",
      `Cannot use ${JSON.stringify(path)} as a volume: it is no directory in the image`,
      {
        hint: `pull it with --mount ${path}=skip`,
      },
    );
  }
  // -a keeps all that is asked for and follows no link; -T copies onto the name itself.
  await run(["cp", "-a", "--reflink=auto", "-T", "--", source.hostPath, into]);
  setOwner(into, owner);
}

function setOwner(folder: string, { uid, gid, mode }: FolderOwner): void {
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  if (mode !== undefined) chmodSync(folder, mode);
}

/**
 * Wants a host volume's folder to be a directory, or nothing yet.
 *
 * @throws {MbctlError} (usage) when it is something else, a symbolic link included.
 */
export function requireVolumeFolder(into: string): void {
  const entry = lstatSync(into, { throwIfNoEntry: false });
  if (entry === undefined || entry.isDirectory()) return;
  throw new MbctlError(
    "usage",
    `Cannot use ${JSON.stringify(into)} as a volume: it is no directory`,
    {
      hint: "name a directory of its own, without symbolic links",
    },
  );
}

/** The directory `path` of a root tree, for the folder `into` of the administrator's. */
export interface HostVolume {
  readonly tree: string;
  readonly path: string;
  readonly into: string;
  readonly owner?: FolderOwner | undefined;
  /** Whether it is removed where it is once it was copied. */
  readonly isMoved?: boolean | undefined;
}

/**
 * Copies a volume for a folder of the administrator's own, under a hidden name:
 * beside the folder where that is missing, in it where it is empty. One that
 * holds anything is left exactly as it is.
 *
 * @param machine names the staging folder, so that the next run knows it.
 * @throws {MbctlError} (conflict) when data that is moved would have to go over what the folder holds.
 */
export async function stageHostVolume(
  run: Run,
  { tree, path, into, owner, isMoved = false }: HostVolume,
  machine: string,
): Promise<void> {
  requireVolumeFolder(into);
  const [held] = listDirectory(into);
  if (held !== undefined && isMoved) {
    throw new MbctlError(
      "conflict",
      `Cannot move data to ${JSON.stringify(into)}: it holds ${JSON.stringify(held)}`,
      {
        hint: "name a folder that is empty, or not there yet: one below it, for instance",
      },
    );
  }
  if (held !== undefined) return;
  const staged = nameExists(into) ? join(into, stagedName(machine)) : stagedBeside(into, machine);
  await copyVolume(run, tree, path, staged, owner);
  await run(["sync", "-f", staged]);
}

/**
 * Puts in its place what {@linkcode stageHostVolume} copied; may be repeated
 * after a kill.
 */
export function placeHostVolume(into: string, machine: string): void {
  const beside = stagedBeside(into, machine);
  if (nameExists(beside)) moveName(beside, into);
  const staged = join(into, stagedName(machine));
  if (nameExists(staged)) moveName(staged, readyName(into, machine));
  endPlacing(into, machine);
}

/** Removes what was staged; a placing that was begun is ended, because the folder shows a part of it. */
export function clearHostVolume(into: string, machine: string): void {
  removeTree(stagedBeside(into, machine));
  removeTree(join(into, stagedName(machine)));
  endPlacing(into, machine);
}

function endPlacing(into: string, machine: string): void {
  const ready = readyName(into, machine);
  const copied = lstatSync(ready, { throwIfNoEntry: false });
  if (copied === undefined) return;
  for (const name of listDirectory(ready)) moveName(join(ready, name), join(into, name));
  chownSync(into, copied.uid, copied.gid);
  chmodSync(into, copied.mode & 0o7777);
  removeTree(ready);
}

function stagedName(machine: string): string {
  return `.mbctl-new.${machine}`;
}

function stagedBeside(into: string, machine: string): string {
  return join(dirname(into), `${stagedName(machine)}.${basename(into)}`);
}

function readyName(into: string, machine: string): string {
  return join(into, `${stagedName(machine)}.ready`);
}
