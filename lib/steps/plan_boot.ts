/**
 * Whether a machine starts when its host boots; and `restart = "unless-stopped"`: a machine that was stopped by
 * `mbctl machines stop` stays so over a reboot. Its boot entry is taken away meanwhile, and a marker says that it
 * comes back with the next start.
 *
 * @module
 */

import { setConfigValue } from "../config/edit_config.ts";
import { MbctlError } from "../errors.ts";
import { nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import { machinePaths } from "../paths.ts";
import type { Step } from "./step.ts";

/** A machine that is enabled starts with it, and it is not enabled everywhere. */
export const bootTarget = "machines.target";

/** What stands around the step `unit` of an action, for these machines. */
export interface BootMemory {
  readonly before: readonly Step[];
  readonly after: readonly Step[];
}

/** Stopped: the boot entries of machines that are to stay so go. They come back where the machines are started. */
export function rememberStops(
  root: string,
  action: string,
  names: readonly MachineName[],
): BootMemory {
  const marker = (name: MachineName) => machinePaths(root, name).stoppedMarker;
  const forget = names
    .filter((name) => nameExists(marker(name)))
    .map((name): Step => ({ kind: "remove", path: marker(name) }));
  switch (action) {
    case "stop": {
      const kept = names.filter(
        (name) =>
          nameExists(machinePaths(root, name).bootLink) &&
          restartOf(root, name) === "unless-stopped",
      );
      const before: Step[] = kept.map((name) => ({
        kind: "write-file",
        path: marker(name),
        text: "Stopped by hand: its boot entry comes back with mbctl machines start.\n",
        mode: 0o644,
      }));
      if (kept.length === 0) return { before, after: [] };
      return {
        before: [...before, { kind: "unit", action: "disable", units: kept.map(machineUnit) }],
        after: [],
      };
    }
    case "start":
    case "restart": {
      const units = names.filter((name) => nameExists(marker(name))).map(machineUnit);
      if (units.length === 0) return { before: [], after: [] };
      const enable: Step = { kind: "unit", action: "enable", units: [bootTarget, ...units] };
      return { before: [enable, ...forget], after: [] };
    }
    case "enable":
    case "disable":
      return { before: [], after: forget };
    default:
      return { before: [], after: [] };
  }
}

/**
 * The steps to what machine.toml says of the boot; none where it is so, or says nothing.
 *
 * @param boot `boot` of machine.toml.
 */
export function planBoot(host: Host, name: MachineName, boot: boolean | undefined): Step[] {
  const { bootLink, stoppedMarker } = machinePaths(host.root, name);
  const isStopped = nameExists(stoppedMarker);
  // One that was stopped by hand is enabled when it is started.
  if (!host.isLive || boot === undefined || (boot && isStopped)) return [];
  const unit = machineUnit(name);
  const forget: Step[] = isStopped ? [{ kind: "remove", path: stoppedMarker }] : [];
  if (boot === nameExists(bootLink)) return forget;
  return boot
    ? [{ kind: "unit", action: "enable", units: [bootTarget, unit] }]
    : [{ kind: "unit", action: "disable", units: [unit] }, ...forget];
}

/**
 * The steps that note in machine.toml what `machines enable` and `disable` have chosen, so that a machine that is
 * rebuilt starts at boot as before. A machine.toml that cannot be read or edited is left as it is.
 */
export function noteBoot(root: string, names: readonly MachineName[], boot: boolean): Step[] {
  return names.flatMap((name) => {
    const { applied, machineToml } = machinePaths(root, name);
    return [
      { path: machineToml, mode: 0o644 },
      { path: applied.machineToml, mode: 0o600 },
    ].flatMap(({ path, mode }): Step[] => {
      const text = readTextIfPresent(path);
      const edited = text === undefined ? undefined : tryToSetBoot(text, path, boot);
      return edited === undefined ? [] : [{ kind: "write-file", path, text: edited, mode }];
    });
  });
}

function tryToSetBoot(text: string, file: string, boot: boolean): string | undefined {
  try {
    if (parseMachineToml(text, file).boot === boot) return undefined;
    return setConfigValue(text, "boot", boot);
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}

/** The policy that its unit has; undefined where that cannot be read: a stop must do all the same. */
function restartOf(root: string, name: MachineName): string | undefined {
  const { machineToml } = machinePaths(root, name).applied;
  try {
    return parseMachineToml(readTextIfPresent(machineToml) ?? "", machineToml).restart.when;
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}
