/**
 * A cgroup for one command (cgroups(7)): whatever it starts is in there, and nobody leaves who may not write to the
 * machine's cgroups, as its root alone may.
 *
 * @module
 */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { isErrno } from "../host/files.ts";

/** Where the unified hierarchy lies: below that path where a host has the old one beside it. */
export const cgroupRoot = existsSync("/sys/fs/cgroup/unified/cgroup.procs")
  ? "/sys/fs/cgroup/unified"
  : "/sys/fs/cgroup";

let count = 0;

/** One command's cgroup. */
export class CommandGroup {
  readonly path: string;

  /**
   * Makes it.
   *
   * @param parent absolute path of a cgroup.
   * @param name of the connector; the groups of another process by that name are of one that was killed.
   */
  constructor(parent: string, name: string) {
    this.path = join(parent, `${groupPrefix(name)}${process.pid}-${++count}`);
    mkdirSync(this.path);
  }

  /** Does something in it: children that it starts stay there, we go back. */
  enter<T>(work: () => T): T {
    const own = readFileSync("/proc/self/cgroup", "utf8")
      .split("\n")
      .find((line) => line.startsWith("0::"));
    writeFileSync(join(this.path, "cgroup.procs"), `${process.pid}`);
    try {
      return work();
    } finally {
      writeFileSync(join(cgroupRoot, own?.slice(3) ?? "", "cgroup.procs"), `${process.pid}`);
    }
  }

  /** Who is in it, as we count. */
  members(): number[] {
    return membersOf(this.path);
  }

  /** SIGKILL to all of it at once; nobody can be started meanwhile. */
  kill(): void {
    killGroup(this.path);
  }

  /** @returns whether it is gone: not while somebody is in it. */
  remove(): boolean {
    return removeGroup(this.path);
  }
}

function groupPrefix(name: string): string {
  return `mbctl-connector_${name}.`;
}

/** Ends what a connector of that name left, which was killed. What the machine itself calls so is its own, and may be made to be in the way. */
export function sweepGroups(parent: string, name: string): void {
  const own = `${groupPrefix(name)}${process.pid}-`;
  for (const entry of readdirSync(parent)) {
    if (!entry.startsWith(groupPrefix(name)) || entry.startsWith(own)) continue;
    const path = join(parent, entry);
    if (statSync(path, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue;
    killGroup(path);
    // Its processes may still be on their way out: the next call finds it again.
    removeGroup(path);
  }
}

function membersOf(path: string): number[] {
  return readIfThere(join(path, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
}

function killGroup(path: string): void {
  try {
    // Since Linux 5.14.
    writeFileSync(join(path, "cgroup.kill"), "1");
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENODEV")) throw error;
  }
}

function removeGroup(path: string): boolean {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && !removeGroup(join(path, entry.name))) return false;
    }
    rmdirSync(path);
    return true;
  } catch (error) {
    // The machine's cgroup went with it.
    if (isErrno(error, "ENOENT", "ENODEV")) return true;
    if (isErrno(error, "EBUSY")) return false;
    throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENODEV", "EOPNOTSUPP")) return "";
    throw error;
  }
}
