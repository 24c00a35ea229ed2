/**
 * All that a host's machines want for their health checks.
 *
 * @module
 */

import { machinePaths } from "../paths.ts";
import type { DerivedFile } from "../network/host_state.ts";
import type { MachineName } from "../spec/machine_name.ts";
import checkHealth from "./check_health.sh" with { type: "text" };
import { healthPaths, healthScript, startScript } from "./health_paths.ts";
import {
  renderHealthDropIn,
  renderHealthService,
  renderHealthTimer,
  renderHealthyUnit,
} from "./health_units.ts";
import { type MachineCheck, renderProbe, renderSettings } from "./probe_files.ts";
import startHealth from "./start_health.sh" with { type: "text" };
import { healthUnit, healthyUnit } from "./unit_names.ts";

/** The drop-in by which a machine's checks start with it, beside `50-mbctl.conf`. */
export const healthDropInName = "65-mbctl-health.conf";

/** One machine of the host. */
export interface HealthMachine {
  readonly name: MachineName;
  /** Undefined: nobody defines a check. */
  readonly check: MachineCheck | undefined;
  readonly depends: readonly MachineName[];
}

/** A file, and the machine that it is of; what all of them share is of none. */
export interface HealthFile extends DerivedFile {
  readonly machine?: MachineName;
}

/** The units that start with a machine. */
export function wantedHealthUnits({ name, check }: HealthMachine): string[] {
  return check === undefined ? [] : [`${healthUnit(name)}.service`, `${healthUnit(name)}.timer`];
}

/** All files of the host, its script among them. */
export function healthFiles(machines: readonly HealthMachine[], busybox: string): HealthFile[] {
  const needed = new Set(machines.flatMap(({ depends }) => depends));
  const files = machines.flatMap((machine) =>
    machineFiles(machine, needed.has(machine.name), busybox),
  );
  if (files.length === 0) return [];
  const scripts = [
    { path: healthScript, text: checkHealth, mode: 0o644 },
    { path: startScript, text: startHealth, mode: 0o644 },
  ];
  return [...scripts, ...files];
}

function machineFiles(machine: HealthMachine, isNeeded: boolean, busybox: string): HealthFile[] {
  const { name, check, depends } = machine;
  const paths = healthPaths(name);
  const file = (path: string, text: string | undefined, mode = 0o644): HealthFile[] =>
    text === undefined ? [] : [{ path, text, mode, machine: name }];
  const unit = (unitName: string, text: string) => file(`/etc/systemd/system/${unitName}`, text);
  const dropIn = `${machinePaths("/", name).unitDropInFolder}/${healthDropInName}`;
  const hasCheck = check !== undefined;
  return [
    ...file(dropIn, renderHealthDropIn({ name, hasCheck, depends }, busybox)),
    ...(hasCheck || isNeeded
      ? unit(healthyUnit(name), renderHealthyUnit(name, check?.check, busybox))
      : []),
    ...(hasCheck
      ? [
          ...file(paths.settings, renderSettings(check), 0o600),
          ...file(paths.probe, renderProbe(check), 0o600),
          ...unit(`${healthUnit(name)}.service`, renderHealthService(name, check.check, busybox)),
          ...unit(`${healthUnit(name)}.timer`, renderHealthTimer(name, check.check)),
        ]
      : []),
  ];
}
