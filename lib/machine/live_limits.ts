/**
 * New limits for a machine that runs.
 *
 * @module
 */

import type { Run } from "../host/run.ts";
import { liveLimitsScript } from "../nspawn/unit_limits.ts";
import type { Limits } from "../spec/limits.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";

/** Sets the limits that the program sees in its own cgroup; nothing where the machine does not run. */
export async function setLiveLimits(run: Run, name: MachineName, limits: Limits): Promise<void> {
  const show = ["systemctl", "show", "-P", "MainPID", machineUnit(name)];
  const pid = (await run(show, { timeoutMs: 60_000 })).stdout.trim();
  if (!/^[1-9]\d*$/.test(pid)) return;
  // A controller may refuse, as where what is used is more than the new limit: the unit's own limit holds.
  await run(["/bin/sh", "-c", liveLimitsScript(limits)], {
    env: { MAINPID: pid },
    allowExitCodes: [0, 1, 2],
    timeoutMs: 10_000,
  });
}
