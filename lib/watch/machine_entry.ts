/**
 * What has to be known of a running machine to run a program beside its own. A machine can write all
 * that is read here: it decides about what runs inside of it, and about nothing else.
 *
 * @module
 */

import { closeSync, constants, fstatSync, lstatSync, readSync } from "node:fs";
import { relative } from "node:path";
import type { EnvEntry } from "../env/env_entry.ts";
import { readTextIfPresent } from "../host/files.ts";
import { AT_FDCWD, close, fixedName, openAt, openBeneath } from "../host/libc_at.ts";
import { readEnvironment } from "../host/namespaces.ts";
import { resolveInside } from "../trees/root_tree.ts";
import { findUser, parseIdentity, type UserFiles, type UserIds } from "./image_user.ts";

/** More than the kernel takes for a program's environment. */
const fileLimitBytes = 4 * 1024 * 1024;

/**
 * Reads a file of a running machine, mounts in it included. Links lead where they lead in the machine.
 *
 * @returns undefined for what is no regular file of the machine's own, is too large, or is not there.
 */
export function readMachineFile(program: number, path: string): string | undefined {
  const root = `/proc/${program}/root`;
  let directory: number | undefined;
  try {
    // Resolved first, then opened by a path in which a link would be an error: the machine may change it meanwhile.
    const { hostPath, exists } = resolveInside(root, path);
    if (!exists) return undefined;
    directory = openAt(AT_FDCWD, fixedName(root).address, constants.O_DIRECTORY);
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const file = openBeneath(directory, fixedName(relative(root, hostPath)).address, flags);
    try {
      const stat = fstatSync(file);
      // By a mount the machine may have put a file of the kernel's there, which it could not read itself.
      const isMachines = idInside(program, "uid", stat.uid) !== undefined;
      return stat.isFile() && stat.size <= fileLimitBytes && isMachines
        ? readBytes(file, stat.size).toString()
        : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    // The machine has ended, or plays with its links: there is no such file.
    return undefined;
  } finally {
    if (directory !== undefined) close(directory);
  }
}

/** No more than the file's size: what the kernel shows in /proc has none, and need not end. */
function readBytes(file: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const count = readSync(file, bytes, at, size - at, null);
    if (count === 0) break;
    at += count;
  }
  return bytes.subarray(0, at);
}

/** Whether a running machine has a regular file of that path; it is only run in it. */
export function hasMachineFile(program: number, path: string): boolean {
  return lstatSync(`/proc/${program}/root${path}`, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * The environment that the machine's program was started with. man8s-init keeps it in a file, as
 * programs overwrite what /proc/PID/environ shows (setproctitle(3)); an older one does not.
 */
export function readProgramEnvironment(program: number): EnvEntry[] {
  const text = readMachineFile(program, "/run/man8s-init/environment");
  if (text === undefined || text === "") return Object.entries(readEnvironment(program));
  return text.split("\0").flatMap((entry): EnvEntry[] => {
    const at = entry.indexOf("=");
    return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)]] : [];
  });
}

/** The user that the image's program was started as: it may have become another one since. */
export function readProgramUser(program: number): UserIds {
  const noted = parseIdentity(readMachineFile(program, "/run/man8s-init/identity") ?? "");
  return noted ?? readProcessUser(program);
}

/** The user of a text of `--user`, by the machine's own files. */
export function readNamedUser(program: number, text: string): UserIds & { readonly home: string } {
  const files: UserFiles = {
    passwd: readMachineFile(program, "/etc/passwd") ?? "",
    group: readMachineFile(program, "/etc/group") ?? "",
  };
  return findUser(text, files);
}

/** Whose a process is now, in the numbers of its user namespace (proc_pid_status(5), user_namespaces(7)). */
function readProcessUser(pid: number): UserIds {
  const status = readTextIfPresent(`/proc/${pid}/status`) ?? "";
  const numbers = (key: string) =>
    (new RegExp(`^${key}:(.*)$`, "m").exec(status)?.[1] ?? "")
      .split(/\s+/)
      .filter(Boolean)
      .map(Number);
  const inside = (kind: "uid" | "gid", id: number) => idInside(pid, kind, id);
  return {
    // Real, effective, saved, file system.
    uid: inside("uid", numbers("Uid")[1] ?? 0) ?? 0,
    gid: inside("gid", numbers("Gid")[1] ?? 0) ?? 0,
    groups: numbers("Groups").flatMap((id) => inside("gid", id) ?? []),
  };
}

function idInside(pid: number, kind: "uid" | "gid", id: number): number | undefined {
  for (const line of (readTextIfPresent(`/proc/${pid}/${kind}_map`) ?? "").split("\n")) {
    const [first = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    if (id >= outside && id < outside + count) return first + id - outside;
  }
  return undefined;
}
