/**
 * A whole system, as the host comes to its services: a login, its journal. Its root may have put anything into its tree.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { listDirectory } from "../host/files.ts";
import { innermostPid, isOwnInit } from "../host/namespaces.ts";
import { resolveInside } from "../trees/root_tree.ts";

/**
 * Whether machinectl(1) can log in: systemd is the machine's process 1, and answers by dbus.
 *
 * @param leader the host's number of that process.
 */
export function hasLogin(leader: number): boolean {
  return isOwnInit(leader) && ["/run/systemd/system", "/run/dbus/system_bus_socket"].every(isThere);

  function isThere(path: string): boolean {
    return existsInside(`/proc/${leader}/root`, path);
  }
}

/** Whether a running machine keeps a journal, and has a program that reads it. */
export function hasOwnJournal(leader: number): boolean {
  const root = `/proc/${leader}/root`;
  return (
    innermostPid(leader) === 1 &&
    isOwnInit(leader) &&
    existsInside(root, "/run/systemd/journal") &&
    ["/usr/bin/journalctl", "/bin/journalctl"].some((path) => existsInside(root, path))
  );
}

/** Where systemd-journald keeps what outlives a stop (systemd-journald.service(8)). */
const journalFolder = "/var/log/journal";

/**
 * The files of the journal that a machine has written, of one that does not run: regular files alone, so that no link of the
 * machine's shows the host's own journal in their place.
 */
export function journalFiles(tree: string): string[] {
  const folder = resolveFolder(tree, journalFolder);
  if (folder === undefined) return [];
  return listDirectory(folder).flatMap((machine) => {
    const inner = join(folder, machine);
    if (lstatSync(inner, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    return listDirectory(inner)
      .filter((name) => /^[\w@.-]+\.journal~?$/.test(name))
      .map((name) => join(inner, name))
      .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true);
  });
}

function existsInside(root: string, path: string): boolean {
  try {
    return resolveInside(root, path).exists;
  } catch {
    // Links that loop, a file used as a directory; or it has just ended.
    return false;
  }
}

function resolveFolder(tree: string, path: string): string | undefined {
  try {
    const { hostPath, exists } = resolveInside(tree, path);
    return exists && lstatSync(hostPath).isDirectory() ? hostPath : undefined;
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}
