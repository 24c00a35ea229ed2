/**
 * How a program of the host enters a running machine as one of its users, with the capabilities that the machine may have
 * and no others, as check_health.sh does. Pure.
 *
 * Who enters a user namespace has all capabilities in it (user_namespaces(7)), those that the machine was denied too. Only
 * a program of the host, setpriv(1), can bound them: between the entry to the user namespace and that to the rest, for
 * until then no process of the machine sees ours.
 *
 * @module
 */

import type { UserIds } from "./image_user.ts";

/** A running machine, as one who enters it has to know it. */
export interface Entrance {
  /** Paths of the host: what runs them may have the PATH of the machine. */
  readonly programs: { readonly nsenter: string; readonly setpriv: string };
  /** Options of nsenter that bring a process into all of it. */
  readonly options: readonly string[];
  /** The capability bounding set of its processes, by numbers (linux/capability.h). */
  readonly bounds: ReadonlySet<number>;
  readonly hasNoNewPrivileges: boolean;
  /** Whether its program is root there. */
  readonly isRoots: boolean;
  /** A user's numbers on the host; undefined where the machine has no users of its own, or not this one. */
  readonly onHost: (user: UserIds) => UserIds | undefined;
}

/** Numbers of linux/capability.h. */
const [setgid, setuid, sysChroot, sysPtrace, sysAdmin] = [6, 7, 18, 19, 21];

/**
 * The words before a command that is to run as a user of the machine, without supplementary groups. Root becomes the user,
 * at last: programs with the setuid bit are of use.
 *
 * @returns undefined where the machine lacks a capability that this takes.
 */
export function enterBounded(
  { programs, options, bounds, hasNoNewPrivileges, isRoots }: Entrance,
  { uid, gid }: Pick<UserIds, "uid" | "gid">,
): string[] | undefined {
  const isRoot = uid === 0 && gid === 0;
  const needed = [
    // setns(2).
    ...[sysAdmin, sysChroot],
    // For the namespaces of a process of another user (ptrace(2)).
    ...(isRoots ? [] : [sysPtrace]),
    ...(isRoot ? [] : [setgid, setuid]),
  ];
  if (needed.some((number) => !bounds.has(number))) return undefined;
  const target = options.filter((option) => option.startsWith("--target="));
  const kept = [...bounds].map((number) => `+cap_${number}`);
  return [
    ...(options.includes("--user") ? [programs.nsenter, ...target, "--user", "--"] : []),
    // The caller's own groups are left behind.
    ...[programs.setpriv, "--clear-groups", `--bounding-set=${["-all", ...kept].join(",")}`],
    ...(hasNoNewPrivileges ? ["--no-new-privs"] : []),
    ...["--", programs.nsenter, ...options.filter((option) => option !== "--user")],
    ...(isRoot ? [] : [`--setgid=${gid}`, `--setuid=${uid}`]),
    "--",
  ];
}

/**
 * The same for a user that is not root, by its number on the host. The capabilities let it in, and end with the
 * entry: who changes its user namespace has those of the new one alone, and none after execve(2). Programs with the
 * setuid bit, which would not be bounded, give it none either.
 *
 * @param directory of the machine; undefined: that of its program.
 * @returns undefined for root, and where the machine has no such user of its own.
 */
export function enterUnprivileged(
  { programs, options, onHost }: Entrance,
  user: UserIds,
  directory?: string,
): string[] | undefined {
  const outside = user.uid === 0 ? undefined : onHost(user);
  if (outside === undefined) return undefined;
  const { uid, gid, groups } = outside;
  const capabilities = "+sys_admin,+sys_chroot,+sys_ptrace";
  return [
    ...[programs.setpriv, `--reuid=${uid}`, `--regid=${gid}`],
    groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
    ...["--no-new-privs", `--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`, "--"],
    ...[programs.nsenter, "--preserve-credentials"],
    ...options.filter((option) => directory === undefined || option !== "--wd"),
    ...(directory === undefined ? [] : [`--wdns=${directory}`]),
    "--",
  ];
}

/** What entering takes, of capabilities that the command is not to have. */
const entering = ["sys_admin", "sys_chroot", "sys_ptrace"];

/**
 * The words before a command that is to run as root of the machine, with the machine's capabilities alone.
 *
 * @param busybox man8s-init's, as the machine sees it; undefined where it has none.
 * @returns undefined where that cannot be: it lacks capabilities that the entry takes, and a busybox that gives them back.
 */
export function enterAsRoot(entrance: Entrance, busybox: string | undefined): string[] | undefined {
  const root = { uid: 0, gid: 0, groups: [] };
  const bounded = enterBounded(entrance, root);
  if (bounded !== undefined || busybox === undefined) return bounded;
  return enterSandboxed(entrance, root, undefined, busybox);
}

/**
 * The same for root of a sandbox that lacks the capabilities which the entry takes: it inherits them for the way, and a
 * busybox in the sandbox takes them away again. No process there can trace it meanwhile, as it has more capabilities
 * (ptrace(2)).
 *
 * @param directory of the sandbox; undefined: that of its program.
 * @param busybox a static one, as the sandbox sees it.
 * @returns undefined for other users, and for a sandbox without users of its own.
 */
export function enterSandboxed(
  { programs, options, bounds, hasNoNewPrivileges }: Entrance,
  { uid, gid, groups }: UserIds,
  directory: string | undefined,
  busybox: string,
): string[] | undefined {
  if (uid !== 0 || gid !== 0 || groups.length > 0 || !options.includes("--user")) return undefined;
  const target = options.filter((option) => option.startsWith("--target="));
  const kept = [...bounds].map((number) => `+cap_${number}`);
  return [
    ...[programs.nsenter, ...target, "--user", "--"],
    // What is inherited must lie within the bounds when it is set (capset(2)), and stays when these shrink.
    ...[
      programs.setpriv,
      `--inh-caps=${["-all", ...entering.map((name) => `+${name}`)].join(",")}`,
      "--",
    ],
    ...[programs.setpriv, "--clear-groups", `--bounding-set=${["-all", ...kept].join(",")}`],
    ...(hasNoNewPrivileges ? ["--no-new-privs"] : []),
    ...["--", programs.nsenter],
    ...options.filter(
      (option) => option !== "--user" && (directory === undefined || option !== "--wd"),
    ),
    ...(directory === undefined ? [] : [`--wdns=${directory}`]),
    ...["--", busybox, "setpriv", `--inh-caps=${entering.map((name) => `-${name}`).join(",")}`],
  ];
}
