/**
 * Reads who listens on what in a running machine, from the outside: nothing runs in it.
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { readTextIfPresent } from "../host/files.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import type { Protocol } from "../network/port.ts";
import { type Listener, listenersOf, parseSockets, type Socket } from "./sockets.ts";

const tables: readonly (readonly [string, Protocol])[] = [
  ["tcp", "tcp"],
  ["tcp6", "tcp"],
  ["udp", "udp"],
  ["udp6", "udp"],
];

/** All sockets that wait for others in the network namespace of a process. */
export function readSockets(pid: number | "self"): Socket[] {
  return tables.flatMap(([name, protocol]) =>
    parseSockets(readTextIfPresent(`/proc/${pid}/net/${name}`) ?? "", protocol),
  );
}

/**
 * The ports of a machine's programs.
 *
 * @param leader the host's number of the machine's PID 1.
 * @param mesh its mesh address as text: a socket there that is none of its own is a relay's.
 */
export function readListeners(
  name: MachineName,
  leader: number,
  mesh: string | undefined,
): Listener[] {
  const programs = readPrograms(machineUnit(name));
  const sockets = readSockets(leader);
  // In the host's own network (the template "host") only what the machine holds is the machine's.
  const isHostNetwork = namespaceOf(leader) === namespaceOf("self");
  const own = isHostNetwork ? sockets.filter(({ inode }) => programs.has(inode)) : sockets;
  return listenersOf(own, programs, mesh);
}

/** The network namespace of a process, as a text to compare. */
function namespaceOf(pid: number | "self"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** The names of all processes of a unit, by the sockets that they hold (proc_pid_fd(5)). */
function readPrograms(unit: string): ReadonlyMap<number, string> {
  const programs = new Map<number, string>();
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8");
      if (!cgroup.split("/").some((part) => part.trimEnd() === unit)) continue;
      const name = readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd();
      for (const inode of readSocketInodes(pid)) programs.set(inode, name);
    } catch {
      // The process is gone, with its sockets.
    }
  }
  return programs;
}

function readSocketInodes(pid: string): number[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((descriptor) => {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${descriptor}`)) ?? [];
      return inode === undefined ? [] : [Number(inode)];
    } catch {
      // Closed in the meantime.
      return [];
    }
  });
}
