/**
 * Which machines a host has, and what is known of each.
 *
 * @module
 */

import { isErrno, listDirectory, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readLeader, readUnitStates, type UnitState } from "../host/systemd.ts";
import type { HealthReport } from "../health/health_report.ts";
import { readHealth } from "../health/read_health.ts";
import { parseEnvFile } from "../env/env_file.ts";
import { MbctlError } from "../errors.ts";
import { machineSuffix } from "../address/machine_address.ts";
import { parseMachineToml } from "../spec/machine_toml.ts";
import {
  hostInterfaceName,
  isMachineName,
  type MachineName,
  machineUnit,
} from "../spec/machine_name.ts";
import { foldersBelow, machinePaths, namesOf } from "../paths.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";

/** One machine, as far as its files and systemd tell. */
export interface Machine {
  readonly name: MachineName;
  readonly spec: MachineSpec;
  /** The mesh address that its env file gives it; undefined when that is missing. */
  readonly address: string | undefined;
  /** The same for its unique local address; machines of an older mbctl have none. */
  readonly ula: string | undefined;
  readonly unit: UnitState | undefined;
  /** Undefined where nothing is known: it does not run, or has no health check. */
  readonly health?: HealthReport | undefined;
  /** Work on it was begun and not ended, by a run that was killed or still goes on. */
  readonly pending: "pull" | "remove" | "change" | undefined;
  /** It has no root tree: `mbctl machines rebuild` makes it. */
  readonly lacksTree?: boolean;
}

/** A machine of a list; its own files may be broken. */
export interface ListedMachine extends Omit<Machine, "spec"> {
  readonly spec: MachineSpec | undefined;
  /** Why its files cannot be read. */
  readonly problem?: MbctlError | undefined;
}

/** The names of all machines that mbctl made, sorted; folders with other names are none of ours. */
export function listMachineNames(root: string): MachineName[] {
  const { configurations } = foldersBelow(root);
  return listDirectory(configurations)
    .filter(isMachineName)
    .filter((name) => nameExists(`${configurations}/${name}/machine.toml`));
}

/**
 * What all machines of a host are, by name. Those whose pull or removal was not ended, and those
 * whose machine.toml cannot be read, are left out.
 *
 * @param onProblem told of those that cannot be read.
 */
export function readMachineSpecs(
  root: string,
  onProblem: (problem: MbctlError) => void = () => {},
): MachineSpec[] {
  return listMachineNames(root).flatMap((name) => {
    if (nameExists(machinePaths(root, name).removeMarker)) return [];
    try {
      return [readMachineFiles(root, name)?.spec ?? []].flat();
    } catch (error) {
      if (!(error instanceof MbctlError)) throw error;
      onProblem(error);
      return [];
    }
  });
}

/** All machines of a host, by name. One whose files are broken does not hide the others. */
export async function readMachines(host: Host): Promise<ListedMachine[]> {
  const names = listMachineNames(host.root);
  const units = host.isLive
    ? await readUnitStates(host.run, names)
    : new Map<MachineName, UnitState>();
  return names.flatMap((name): ListedMachine[] => {
    const unit = units.get(name);
    try {
      const machine = readMachineFiles(host.root, name);
      return machine === undefined
        ? []
        : [{ ...machine, unit, health: readHealth(host.root, name, unit) }];
    } catch (problem) {
      if (!(problem instanceof MbctlError)) throw problem;
      return [
        {
          name,
          spec: undefined,
          address: undefined,
          ula: undefined,
          unit,
          pending: pendingWork(host.root, name),
          problem,
        },
      ];
    }
  });
}

/**
 * One machine of a host.
 *
 * @throws {MbctlError} (usage) when there is none of that name; names the nearest things.
 */
export async function readMachine(host: Host, name: MachineName): Promise<Machine> {
  const machine = readMachineFiles(host.root, name);
  if (machine === undefined) throw noSuchMachine(host.root, name);
  const units = host.isLive ? await readUnitStates(host.run, [name]) : undefined;
  const unit = units?.get(name);
  return { ...machine, unit, health: readHealth(host.root, name, unit) };
}

/** The error for a name that no machine has. */
export function noSuchMachine(root: string, name: MachineName): MbctlError {
  const names = listMachineNames(root);
  return new MbctlError("usage", `Cannot find the machine "${name}": there is no such machine`, {
    hint:
      names.length === 0
        ? "mbctl machines pull IMAGE NAME makes one"
        : `there are: ${names.join(", ")}`,
  });
}

/** What the files of a machine say of it; undefined without a machine.toml. */
export function readMachineFiles(
  root: string,
  name: MachineName,
): Omit<Machine, "unit" | "health"> | undefined {
  const paths = machinePaths(root, name);
  const text = readTextIfPresent(paths.machineToml);
  if (text === undefined) return undefined;
  const environment = parseEnvFile(readTextIfPresent(paths.envFile) ?? "", paths.envFile);
  // An empty one is none.
  const value = (key: string) => environment.find(([name]) => name === key)?.[1] || undefined;
  return {
    name,
    spec: parseMachineToml(text, paths.machineToml),
    address: value("MAN8S_YGGDRASIL_ADDRESS"),
    ula: value("MAN8S_ULA_ADDRESS"),
    pending: pendingWork(root, name),
    ...(nameExists(paths.tree) ? {} : { lacksTree: true }),
  };
}

/** Whether a marker of unfinished work stands beside a machine. */
export function pendingWork(root: string, name: MachineName): Machine["pending"] {
  const paths = machinePaths(root, name);
  if (nameExists(paths.removeMarker)) return "remove";
  if (nameExists(paths.pullMarker)) return "pull";
  return nameExists(paths.changeMarker) ? "change" : undefined;
}

/** All machines with unfinished work, also those that are no machines yet or no more. */
export function listPending(
  root: string,
): { readonly name: MachineName; readonly work: NonNullable<Machine["pending"]> }[] {
  const marker = /^\.mbctl-(?:pull|remove|change)\.(.+)$/;
  const names = listDirectory(foldersBelow(root).configurations).flatMap((file) => {
    const name = marker.exec(file)?.[1];
    return name !== undefined && isMachineName(name) ? [name] : [];
  });
  return [...new Set(names)].flatMap((name) => {
    const work = pendingWork(root, name);
    return work === undefined ? [] : [{ name, work }];
  });
}

/**
 * What already goes by a name: paths, and a running machine or unit.
 *
 * @returns sentences' ends such as `/var/lib/machines/web`, none when the name is free.
 */
export async function findUses(host: Host, name: MachineName): Promise<string[]> {
  const found = namesOf(host.root, name).filter(nameExistsOrHidden);
  if (!host.isLive) return found;
  const state = (await readUnitStates(host.run, [name])).get(name);
  if (!isStopped(state)) found.push(`the running unit ${machineUnit(name)}`);
  else if ((await readLeader(host.run, name)) !== undefined)
    found.push(`a running machine "${name}"`);
  return found;
}

function nameExistsOrHidden(path: string): boolean {
  try {
    return nameExists(path);
  } catch (error) {
    if (isErrno(error, "ENOTDIR")) return false;
    throw error;
  }
}

/**
 * Machines that a new name would get in the way of: by one suffix, or by one
 * host interface name where the host cuts it (lib/host/naming_scheme.ts).
 *
 * @param former what the machine was called until now.
 */
export function findClashes(
  root: string,
  name: MachineName,
  former?: MachineName,
): { readonly suffix: MachineName | undefined; readonly interface: MachineName | undefined } {
  const others = listMachineNames(root).filter((other) => other !== name && other !== former);
  return {
    suffix: others.find((other) => machineSuffix(other) === machineSuffix(name)),
    interface: others.find((other) => hostInterfaceName(other) === hostInterfaceName(name)),
  };
}
