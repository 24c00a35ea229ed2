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
): Promise<void> {
  const source = resolveInside(tree, path);
  makeDirectory(dirname(into), 0o755);
  if (!source.exists) {
    makeDirectory(into, 0o755);
    return;
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

/**
 * Copies a volume for a folder of the administrator's own, under a hidden name:
 * beside the folder where that is missing, in it where it is empty. One that
 * holds anything is left exactly as it is.
 *
 * @param machine names the staging folder, so that the next run knows it.
 */
export async function stageHostVolume(
  run: Run,
  tree: string,
  path: string,
  into: string,
  machine: string,
): Promise<void> {
  requireVolumeFolder(into);
  if (listDirectory(into).length > 0) return;
  const staged = nameExists(into) ? join(into, stagedName(machine)) : stagedBeside(into, machine);
  await copyVolume(run, tree, path, staged);
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
