/**
 * What has to be known of a running machine to run a program beside its own. A machine can write all
 * that is read here: it decides about what runs inside of it, and about nothing else.
 *
 * @module
 */

import { DEFAULT_PATH } from "../env/split_environment.ts";
import { closeSync, constants, fstatSync, lstatSync, readSync } from "node:fs";
import { relative } from "node:path";
import type { EnvEntry } from "../env/env_entry.ts";
import { readTextIfPresent } from "../host/files.ts";
import { AT_FDCWD, close, fixedName, openAt, openBeneath } from "../host/libc_at.ts";
import { enterOptions, innermostPid, readEnvironment } from "../host/namespaces.ts";
import { requireProgram } from "../host/run.ts";
import { BUSYBOX_PATH } from "../init/init_files.ts";
import { resolveInside } from "../trees/root_tree.ts";
import { enterAsRoot, type Entrance } from "./enter_as.ts";
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

/** What a login of root begins with: the environment of a system's process 1 is not for programs. */
const systemEnvironment: EnvEntry[] = [
  ["PATH", DEFAULT_PATH],
  ["HOME", "/root"],
  ["USER", "root"],
  ["LOGNAME", "root"],
];

/**
 * The environment that the machine's program was started with; of a whole system, one for root. man8s-init keeps it in a file, as
 * programs overwrite what /proc/PID/environ shows (setproctitle(3)); an older one does not.
 */
export function readProgramEnvironment(program: number): EnvEntry[] {
  if (innermostPid(program) === 1) return systemEnvironment;
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

/**
 * How a running machine is entered.
 *
 * @param leader its process 1, as the host counts it. It has the limits that systemd-nspawn set; the program may have
 * taken more from itself.
 */
export function readEntrance(leader: number, program: number): Entrance {
  const status = readTextIfPresent(`/proc/${leader}/status`) ?? "";
  const set = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const options = enterOptions(program);
  const { uid, gid } = readProcessUser(program);
  return {
    programs: { nsenter: requireProgram("nsenter"), setpriv: requireProgram("setpriv") },
    options,
    bounds: new Set(Array.from({ length: 64 }, (_, number) => number).filter(isSet)),
    hasNoNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    isRoots: uid === 0 && gid === 0,
    onHost: (user) => (options.includes("--user") ? userOnHost(program, user) : undefined),
  };

  function isSet(number: number): boolean {
    return ((set >> BigInt(number)) & 1n) === 1n;
  }
}

/** The words by which root of a running machine runs a command beside its program. */
export interface RootEntry {
  readonly words: readonly string[];
  /** Whether the command has the machine's capabilities alone; else all of them, as who enters a user namespace has. */
  readonly isBounded: boolean;
}

/** How root enters: within the machine's bounds, where these let it in. */
export function readRootEntry(leader: number, program: number): RootEntry {
  const entrance = readEntrance(leader, program);
  const bounded = enterAsRoot(entrance, busyboxOf(program));
  const all = [entrance.programs.nsenter, ...entrance.options, "--"];
  return { words: bounded ?? all, isBounded: bounded !== undefined };
}

/**
 * How root enters for a machine's files, within its bounds: in the root of its mount namespace, also where its program has
 * gone into another one (chroot(2)). It is the program's namespaces that are entered: those of systemd-nspawn's stub, which
 * was never executed there, open to nobody inside (ptrace(2), PTRACE_MODE_READ).
 *
 * @param needed numbers of capabilities (linux/capability.h) without which the work cannot be done.
 * @returns undefined where the bounds do not do for it.
 */
export function readFilesEntry(
  leader: number,
  program: number,
  needed: readonly number[],
): string[] | undefined {
  const entrance = readEntrance(leader, program);
  if (!needed.every((number) => entrance.bounds.has(number))) return undefined;
  const options = entrance.options.filter((option) => option !== "--root" && option !== "--wd");
  return enterAsRoot({ ...entrance, options }, busyboxOf(program));
}

function busyboxOf(program: number): string | undefined {
  return hasMachineFile(program, BUSYBOX_PATH) ? BUSYBOX_PATH : undefined;
}

/** A user's numbers on the host; undefined where one of them is none of the machine's. */
function userOnHost(program: number, { uid, gid, groups }: UserIds): UserIds | undefined {
  const outside = [
    idOutside(program, "uid", uid),
    ...[gid, ...groups].map((id) => idOutside(program, "gid", id)),
  ];
  const [hostUid, hostGid, ...hostGroups] = outside.filter((id) => id !== undefined);
  return hostUid === undefined || hostGid === undefined || outside.includes(undefined)
    ? undefined
    : { uid: hostUid, gid: hostGid, groups: hostGroups };
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
  const range = readIdMap(pid, kind).find(
    ({ outside, count }) => id >= outside && id < outside + count,
  );
  return range && range.inside + id - range.outside;
}

function idOutside(pid: number, kind: "uid" | "gid", id: number): number | undefined {
  const range = readIdMap(pid, kind).find(
    ({ inside, count }) => id >= inside && id < inside + count,
  );
  return range && range.outside + id - range.inside;
}

/** The ranges of numbers of a process's user namespace (user_namespaces(7)). */
function readIdMap(pid: number, kind: "uid" | "gid") {
  const text = readTextIfPresent(`/proc/${pid}/${kind}_map`) ?? "";
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}
