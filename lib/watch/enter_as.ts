/**
 * How a program of the host enters a running machine as one of its users, with the capabilities that the machine's
 * processes may have and no others, as check_health.sh does. Pure.
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
const capability = { setgid: 6, setuid: 7, sysChroot: 18, sysPtrace: 19, sysAdmin: 21 };

/**
 * The words before a command that is to run as a user of the machine, `--` included; undefined where nobody can enter
 * so: root, where the machine lacks what setns(2) asks for.
 *
 * @param directory of the machine; undefined: that of its program.
 */
export function enterAs(
  entrance: Entrance,
  user: UserIds,
  directory?: string,
): readonly string[] | undefined {
  return enterBounded(entrance, user, directory) ?? enterUnprivileged(entrance, user, directory);
}

function enterBounded(
  { options, bounds, hasNoNewPrivileges, isRoots }: Entrance,
  { uid, gid, groups }: UserIds,
  directory: string | undefined,
): readonly string[] | undefined {
  const isRoot = uid === 0 && gid === 0;
  const needed = [
    ...[capability.sysAdmin, capability.sysChroot],
    // For /proc/PID/ns of a process of somebody else (ptrace(2)).
    ...(isRoots ? [] : [capability.sysPtrace]),
    ...(isRoot ? [] : [capability.setgid, capability.setuid]),
  ];
  // setpriv sets supplementary groups by the user namespace that it is in, nsenter clears them.
  if (groups.length > 0 && !isRoot) return undefined;
  if (needed.some((number) => !bounds.has(number))) return undefined;
  return [];
}
