/**
 * Which health check each machine of a host has.
 *
 * @module
 */

import { busyboxPlace } from "../host/busybox.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { keptImageConfig } from "../image/config.ts";
import { machinePaths } from "../paths.ts";
import type { HostMachine, HostState } from "../network/host_state.ts";
import { nspawnText, readNspawn } from "../nspawn/read.ts";
import { healthCheck } from "../spec/health_check.ts";
import type { HealthMachine } from "./health_files.ts";
import type { MachineCheck } from "./probe_files.ts";

/** As docker's `--start-interval`, where the image names none. */
const defaultStartIntervalMs = 5000;

/**
 * A whole system is well when none of its units has failed (systemctl(1), "is-system-running"); one that another init boots is
 * well when it answers.
 */
const systemHealth = {
  probe: {
    kind: "shell",
    line: '[ -d /run/systemd/system ] || exit 0; state=$(systemctl is-system-running); echo "$state"; [ "$state" = running ] || { systemctl --failed --plain --no-legend; exit 1; }',
  },
  startPeriodMs: 60_000,
} as const;

/** The health checks of all machines of a host. */
export function readHealthMachines(host: Host, { machines }: HostState): HealthMachine[] {
  const busybox = busyboxPlace(host);
  return machines.map((machine) => {
    const { name, depends } = machine.spec;
    return { name, depends, check: readCheck(host.root, machine, busybox) };
  });
}

function readCheck(root: string, { spec }: HostMachine, busybox: string): MachineCheck | undefined {
  if (spec.health === "none") return undefined;
  // The image's check is about a program that does not run there.
  if (spec.mode === "connector" && spec.health === undefined) return undefined;
  const paths = machinePaths(root, spec.name);
  const image = keptImageConfig(readTextIfPresent(paths.applied.image));
  const check =
    spec.mode === "base"
      ? healthCheck(undefined, { ...systemHealth, ...spec.health })
      : healthCheck(image?.healthcheck, spec.health);
  if (check === undefined) return undefined;
  const nspawn = readNspawn(readTextIfPresent(paths.nspawn) ?? "");
  const isImages = spec.health?.probe === undefined;
  const startIntervalNs = image?.healthcheck?.startIntervalNs;
  return {
    check,
    startIntervalMs: startIntervalNs ? startIntervalNs / 1e6 : defaultStartIntervalMs,
    workingDirectory: nspawnText(nspawn, "Exec.WorkingDirectory") || "/",
    isBooted: /^(1|yes|y|true|t|on)$/i.test(nspawnText(nspawn, "Exec.Boot") ?? ""),
    // The user's line is for a plain shell, the image's for the shell that the image names.
    shell: (isImages ? image?.shell : undefined) ?? ["/bin/sh", "-c"],
    busybox,
  };
}
