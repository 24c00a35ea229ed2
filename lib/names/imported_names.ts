/**
 * Names of machines of other hosts: /etc/mbctl/names/HOST, one name a line, written by `mbctl address import`.
 *
 * @module
 */

import { join } from "node:path";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import { isMachineName, type MachineName } from "../spec/machine_name.ts";
import { foldersBelow } from "../paths.ts";

/** Reads all lists; lines that are no names, comments among them, are passed over. */
export function readImportedNames(root: string): ReadonlyMap<string, readonly MachineName[]> {
  const folder = foldersBelow(root).importedNames;
  const hosts = listDirectory(folder).filter(isMachineName);
  return new Map(
    hosts.map((host) => [
      host,
      (readTextIfPresent(join(folder, host)) ?? "").split("\n").filter(isMachineName),
    ]),
  );
}
