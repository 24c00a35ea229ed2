/**
 * Who may call: the processes of one machine, by the cgroup that systemd put them in, which they cannot leave. Pure.
 *
 * @module
 */

import { machineUnit } from "../spec/machine_name.ts";
import type { Peer } from "./peer.ts";
import { type Caller, hostCaller } from "../connector/unit_names.ts";

/**
 * Whether a process is the caller's. For the host: root, outside of all machines.
 *
 * A machine names the groups below its own as it likes, and so does a user of the host below user@UID.service. So the first
 * unit in the path counts: slices alone are above it.
 */
export function isAllowedPeer(
  client: Caller,
  { uid, cgroup }: Pick<Peer, "uid" | "cgroup">,
): boolean {
  if (cgroup === undefined) return false;
  const unit = cgroup.split("/").find((part) => /\.(service|scope)$/.test(part));
  if (client !== hostCaller) return unit === machineUnit(client);
  return uid === 0 && !unit?.startsWith("systemd-nspawn@") && !isMachineSlice(cgroup);
}

/** Machines that were started by hand are there too (systemd.special(7)). */
function isMachineSlice(cgroup: string): boolean {
  return cgroup === "/machine.slice" || cgroup.startsWith("/machine.slice/");
}
