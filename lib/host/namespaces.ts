/**
 * A running machine as the kernel sees it: its processes, namespaces and cgroup.
 *
 * @module
 */

import { existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { BUSYBOX_PATH } from "../init/init_files.ts";
import { isErrno, readTextIfPresent } from "./files.ts";

/**
 * The program of a machine: process 2 in its PID namespace, as the host counts
 * it; PID 1 when there is none.
 *
 * @param leader the host's number of the machine's PID 1.
 */
export function findProgram(leader: number): number {
  const children = readTextIfPresent(`/proc/${leader}/task/${leader}/children`) ?? "";
  const program = children
    .split(" ")
    .filter((pid) => pid.trim() !== "")
    .map(Number)
    .find((pid) => innermostPid(pid) === 2);
  return program ?? leader;
}

/** How long man8s-init may take before its environment is taken for the machine's, in milliseconds. */
const initTimeoutMs = 15_000;

/**
 * {@linkcode findProgram}, once man8s-init has given way to the machine's program:
 * a machine counts as started while its init still works, with another environment. Of a machine that boots an init of
 * its own, that init.
 */
export async function waitForProgram(leader: number): Promise<number> {
  const deadline = performance.now() + initTimeoutMs;
  if (isOwnInit(leader)) return leader;
  let program = findProgram(leader);
  while (
    (program === leader || isNspawn(program, leader) || isInit(program)) &&
    performance.now() < deadline
  ) {
    await Bun.sleep(10);
    if (isOwnInit(leader)) return leader;
    program = findProgram(leader);
  }
  return program;
}

/** Whether a process was only forked yet by nspawn's stub, which is the leader: the environment is still the host's. */
function isNspawn(pid: number, leader: number): boolean {
  const [program, stub] = [pid, leader].map((of) =>
    statSync(`/proc/${of}/exe`, { throwIfNoEntry: false }),
  );
  return program !== undefined && program.dev === stub?.dev && program.ino === stub.ino;
}

/** Whether process 1 of a machine is one of its own (`Boot=yes`), and not the stub of systemd-nspawn, its parent. */
export function isOwnInit(leader: number): boolean {
  const parent = /^PPid:\s*(\d+)$/m.exec(readTextIfPresent(`/proc/${leader}/status`) ?? "")?.[1];
  const [own, nspawn] = [leader, parent].map((of) =>
    statSync(`/proc/${of}/exe`, { throwIfNoEntry: false }),
  );
  if (own === undefined || nspawn === undefined) return false;
  return own.dev !== nspawn.dev || own.ino !== nspawn.ino;
}

/**
 * Whether man8s-init still runs: its shell, or one of the busybox calls by which
 * it becomes the program (one of them in a chroot, by a relative name). A process
 * in the middle of execve(2) has no command line.
 */
function isInit(pid: number): boolean {
  const [program = "", applet] = (readTextIfPresent(`/proc/${pid}/cmdline`) ?? "").split("\0");
  // What it becomes in a machine that only lends commands stays a busybox (60-arguments.sh).
  if (applet === "sleep") return false;
  return program === "" || `/${program.replace(/^\.?\//, "")}` === BUSYBOX_PATH;
}

/** A process's number in the innermost PID namespace that it lives in (proc_pid_status(5), NSpid). */
export function innermostPid(pid: number): number | undefined {
  const status = readTextIfPresent(`/proc/${pid}/status`) ?? "";
  const numbers = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
  return numbers.length === 0 ? undefined : Number(numbers.at(-1));
}

/** The environment that a process was started with. */
export function readEnvironment(pid: number): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const entry of readFileSync(`/proc/${pid}/environ`, "utf8").split("\0")) {
    const at = entry.indexOf("=");
    if (at > 0) variables[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return variables;
}

/** A machine's environment, parted by who may see it while nsenter is still the host's. */
export interface EnteredEnvironment {
  /** May stand in nsenter's own environment. */
  readonly passed: Readonly<Record<string, string>>;
  /** `NAME=value` words that must not take effect before the machine is entered. */
  readonly carried: readonly string[];
}

/**
 * What the C library and its loader read: `LD_PRELOAD` of a machine would load
 * a file of the machine's choice into nsenter, on the host, as root (ld.so(8),
 * locale(7), gettext(3), tzset(3), mallopt(3)).
 */
const ofTheLibrary =
  /^(LD_|GLIBC_|MALLOC_|LC_|LIBMOUNT_|LIBBLKID_|TEXTDOMAIN|(LANG|LANGUAGE|LOCPATH|NLSPATH|GCONV_PATH|OUTPUT_CHARSET|TZ|TZDIR|TMPDIR|POSIXLY_CORRECT|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|RESOLV_HOST_CONF)$)/;
/** Values that name a locale or a zone by words alone can do no harm. */
const harmless = /^((LANG|LC_[A-Z]+)=[A-Za-z0-9_.@-]*|TZ=[A-Za-z0-9_+-]*)$/;

/** Whether a variable of a machine's must not stand in the environment of a program of the host. */
export function isUnsafeVariable([name, value]: readonly [name: string, value: string]): boolean {
  return ofTheLibrary.test(name) && !harmless.test(`${name}=${value}`);
}

/** Parts a machine's environment; nothing in it can be trusted, the machine can write it. */
export function partEnvironment(environment: Readonly<Record<string, string>>): EnteredEnvironment {
  const entries = Object.entries(environment);
  return {
    passed: Object.fromEntries(entries.filter((entry) => !isUnsafeVariable(entry))),
    carried: entries.filter(isUnsafeVariable).map(([name, value]) => `${name}=${value}`),
  };
}

/** nsenter's options that bring a process into every namespace, the root and the directory of `pid`. */
export function enterOptions(pid: number): string[] {
  return [
    `--target=${pid}`,
    "--mount",
    "--uts",
    "--ipc",
    // A machine with the host's network: who has entered its user namespace may not enter that one any more.
    ...(isOwnNamespace(pid, "net") ? [] : ["--net"]),
    "--pid",
    "--cgroup",
    // The kernel refuses to enter the user namespace that one is in already (setns(2), EINVAL).
    ...(isOwnNamespace(pid, "user") ? [] : ["--user"]),
    "--root",
    "--wd",
  ];
}

/**
 * The words before a command that is to see a running machine's files as the machine does: in its cgroup, in every
 * namespace and the root of its PID 1, as its root. The command is a file of the machine's, too, which may have put
 * anything in its place: it can do no more there than a program of the machine's own.
 *
 * @param leader the host's number of the machine's PID 1.
 */
export function enterMachineFiles(leader: number): string[] {
  return [...intoCgroupOf(leader), "nsenter", ...enterOptions(leader), "--"];
}

/** The words before a command that is to be in the cgroup of another process: its limits count, and it ends with it. */
export function intoCgroupOf(pid: number): string[] {
  const file = join("/sys/fs/cgroup", cgroupOf(pid) ?? "", "cgroup.procs");
  // A host whose unified hierarchy lies elsewhere: the command then counts as the caller's.
  return existsSync(file) ? ["/bin/sh", "-c", 'echo 0 >"$0" && exec "$@"', file] : [];
}

function isOwnNamespace(pid: number, kind: "net" | "user"): boolean {
  return readlinkSync(`/proc/${pid}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`);
}

/**
 * Moves this process into the cgroup of another, so that what it becomes counts
 * as the machine's, and ends with it.
 */
export function joinCgroup(pid: number): void {
  const path = cgroupOf(pid);
  if (path !== undefined) enterCgroup(path);
}

/** Does something in the cgroup of another process: children that it starts stay there, we go back. */
export function inCgroupOf<T>(pid: number, work: () => T): T {
  const own = cgroupOf(process.pid);
  joinCgroup(pid);
  try {
    return work();
  } finally {
    if (own !== undefined) enterCgroup(own);
  }
}

/** The path of a process's cgroup in the unified hierarchy. */
export function cgroupOf(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/cgroup`, "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith("0::"))
    ?.slice(3);
}

function enterCgroup(path: string): void {
  try {
    writeFileSync(join("/sys/fs/cgroup", path, "cgroup.procs"), `${process.pid}`);
  } catch (error) {
    // A host whose unified hierarchy lies elsewhere: the shell then counts as the caller's.
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
