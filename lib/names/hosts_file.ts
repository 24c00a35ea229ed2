/**
 * Writes /etc/hosts, in which others write too.
 *
 * @module
 */

import { lstatSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { isErrno, readTextIfPresent, removeFile, writeFileDurably } from "../host/files.ts";
import { updateHostsFile } from "./hosts_block.ts";
import type { HostState } from "../network/host_state.ts";
import { stagedName } from "../paths.ts";

/**
 * Brings the names in a host's /etc/hosts up to date; what others wrote stays, byte by byte.
 *
 * @returns whether anything was written.
 */
export function writeHostsFile(root: string, state: HostState): boolean {
  const name = join(root, "etc/hosts");
  // Where the file is a link, what it leads to is written. Below another root the link would lead out of it.
  const isLink = lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const path = isLink && root === "/" ? realpathSync(name) : name;
  // Comments in the file may be of any encoding: as latin1, each byte is one character.
  const text = readTextIfPresent(path, "latin1") ?? "";
  const updated = updateHostsFile(text, state);
  if (updated === text) {
    // Of a run that was killed before it put it in its place.
    removeFile(stagedName(path));
    return false;
  }
  const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0o644) & 0o777;
  writeFileDurably(path, updated, mode, "latin1");
  if (root === "/") wakeDnsmasq(state.network.bridge);
  return true;
}

/**
 * systemd-resolved looks at the file by itself. NetworkManager's dnsmasq, which answers machines where
 * NetworkManager has the bridge, reads it again on SIGHUP (dnsmasq(8)).
 */
function wakeDnsmasq(bridge: string): void {
  const pid = Number(readTextIfPresent(`/run/nm-dnsmasq-${bridge}.pid`) ?? 0);
  if (!(pid > 0) || readTextIfPresent(`/proc/${pid}/comm`) !== "dnsmasq\n") return;
  try {
    process.kill(pid, "SIGHUP");
  } catch (error) {
    // It has ended meanwhile; its successor reads the file as it starts.
    if (!isErrno(error, "ESRCH")) throw error;
  }
}
