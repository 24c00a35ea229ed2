/**
 * A configuration folder that came from somebody else: its files must be what they seem, as the host's root reads
 * and follows them.
 *
 * @module
 */

import { chmodSync, lstatSync, type Stats } from "node:fs";
import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { listDirectory } from "../host/files.ts";
import { appliedPaths } from "../paths.ts";
import type { Volume } from "../spec/machine_spec.ts";

/** What an archive holds of the hidden folder, and nothing else: not secrets, nor what is of one host alone. */
export const archivedNames: readonly string[] = [
  ...["machine.toml", "container.nspawn", "man8env.env", "unit.conf", "image.json", "unit.d"],
];

/**
 * Checks the files that mbctl reads, and gives them the modes that they have to have.
 *
 * @throws {MbctlError} (usage) for one that is a link, has a second name, is not root's, or is missing.
 */
export function checkConfiguration(folder: string): void {
  const applied = appliedPaths(folder);
  const needed: readonly (readonly [path: string, mode: number])[] = [
    [join(folder, "machine.toml"), 0o644],
    [join(folder, "container.nspawn"), 0o644],
    [join(folder, "man8env.env"), 0o600],
    [applied.machineToml, 0o600],
    [applied.nspawn, 0o600],
    [applied.envFile, 0o600],
    [applied.unitDropIn, 0o600],
    [applied.image, 0o600],
  ];
  checkDirectory(folder, folder);
  // A whole system has both bound into it.
  for (const name of ["apps", "host0.network"]) {
    const path = join(folder, name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
    throw refused(folder, path, "it is a link, and is bound into the machine");
  }
  checkDirectory(folder, applied.folder);
  for (const [path, mode] of needed) checkFile(folder, path, mode);
  const odd = listDirectory(applied.folder).find((name) => !archivedNames.includes(name));
  if (odd !== undefined) {
    throw refused(folder, join(applied.folder, odd), "no mbctl put it there");
  }
  if (lstatSync(applied.units, { throwIfNoEntry: false }) === undefined) return;
  checkDirectory(folder, applied.units);
  for (const name of listDirectory(applied.units)) {
    checkFile(folder, join(applied.units, name), 0o600);
  }
}

/**
 * Checks the folders or files that volumes bind: a link would be followed by systemd-nspawn, out of the machine's folders.
 *
 * @param folder of the machine's volumes of this kind.
 * @throws {MbctlError} (usage)
 */
export function checkVolumeFolders(
  folder: string,
  kind: "config" | "data",
  volumes: readonly Volume[],
): void {
  for (const volume of volumes) {
    if (volume.kind !== kind) continue;
    let path = folder;
    for (const name of volume.path.split("/").filter((name) => name !== "")) {
      path = join(path, name);
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found === undefined) break;
      if (!found.isDirectory() && !found.isFile()) {
        throw refused(folder, path, "a volume is neither a link nor a device");
      }
    }
  }
}

function checkDirectory(root: string, path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw refused(root, path, "it is missing");
  if (!found.isDirectory() || !isRoots(found))
    throw refused(root, path, "it is no folder of root's");
  chmodSync(path, 0o700);
}

function checkFile(root: string, path: string, mode: number): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw refused(root, path, "it is missing");
  if (!found.isFile() || !isRoots(found)) throw refused(root, path, "it is no file of root's");
  // By the other name, which may lie in a volume, the machine could write to it.
  if (found.nlink !== 1) throw refused(root, path, "it has a second name");
  chmodSync(path, mode);
}

function isRoots({ uid, gid }: Stats): boolean {
  return uid === 0 && gid === 0;
}

function refused(root: string, path: string, state: string): MbctlError {
  const name = path === root ? "its folder" : JSON.stringify(path.slice(root.length + 1));
  return new MbctlError("usage", `Cannot import the configuration: ${name}: ${state}`, {
    hint: "the archive was not written by mbctl machines export; do not trust it",
  });
}
