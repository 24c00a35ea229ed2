/**
 * Whether a machine runs, and in a way that systemd can hold or stop.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readLeader, readUnitStates } from "../host/systemd.ts";
import type { MachineName } from "../spec/machine_name.ts";

/**
 * Whether a machine runs.
 *
 * @param what is to be done with it, for the message.
 * @throws {MbctlError} (conflict) for one that was started by hand: its unit knows nothing of it.
 */
export async function readRunning(host: Host, name: MachineName, what: string): Promise<boolean> {
  if (!host.isLive) return false;
  if (!isStopped((await readUnitStates(host.run, [name])).get(name))) return true;
  if ((await readLeader(host.run, name)) === undefined) return false;
  throw new MbctlError(
    "conflict",
    `Cannot ${what} the machine "${name}": it runs, started by hand`,
    { hint: `machinectl poweroff ${name}` },
  );
}
