/** Machines with health checks, for tests. */

import type { HealthMachine } from "../../lib/health/health_files.ts";
import type { MachineCheck } from "../../lib/health/probe_files.ts";
import { healthCheck, type HealthProbe } from "../../lib/spec/health_check.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

/** A check with all that is not said left as it is by default. */
export function checkOf(
  probe: HealthProbe,
  rest: Partial<MachineCheck["check"]> = {},
): MachineCheck {
  const check = healthCheck(undefined, { probe, ...rest });
  if (check === undefined) throw new TypeError("there is a probe, and no check");
  return {
    check,
    startIntervalMs: 5000,
    workingDirectory: "/",
    isBooted: false,
    shell: ["/bin/sh", "-c"],
    busybox: "/bin/busybox",
  };
}

/** A machine that needs others. */
export function machineOf(
  name: string,
  check?: MachineCheck,
  ...depends: readonly string[]
): HealthMachine {
  return { name: parseMachineName(name), check, depends: depends.map(parseMachineName) };
}
