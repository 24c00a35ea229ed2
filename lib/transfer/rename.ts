/**
 * Giving a machine another name: what has to be read and checked before.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { Change } from "../change/apply_change.ts";
import { readPresentMachine } from "../change/present_machine.ts";
import { MbctlError, usageError } from "../errors.ts";
import { listDirectory, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readLeader, readUnitStates } from "../host/systemd.ts";
import { readMachineSpecs } from "../machine/inventory.ts";
import { requireMachines } from "../machine/lifecycle.ts";
import { appliedPaths, machinePaths } from "../paths.ts";
import { systemSettings } from "../steps/plan_tree.ts";
import { requireFreeName, requireNoClash } from "../machine/free_name.ts";
import { readMachineFacts } from "../steps/pull.ts";
import { findHost } from "../names/qualified_name.ts";
import { renderHost0Network } from "../os/host0_network.ts";
import type { SystemSettings } from "../os/system_settings.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { formatSnapshot, parseSnapshot } from "../snapshots/snapshot_document.ts";
import { movedPaths, planRename, type RenamedFile } from "./plan_rename.ts";
import {
  renameInEnvFile,
  renameInMachineToml,
  renameInOther,
  renameInUnit,
  renameUnits,
  type Renaming,
} from "./rename_texts.ts";

/** A renaming, ready to be shown or applied. */
export interface PreparedRename {
  readonly change: Change;
  /** Whether the machine is stopped and started again. */
  readonly isRunning: boolean;
  /** Machines whose files name it, and are changed too. */
  readonly others: readonly MachineName[];
}

/**
 * Plans to give a machine another name.
 *
 * @throws {MbctlError} (usage) when there is no such machine, or a file of it is written in a way that cannot be
 * edited; (conflict) when the new name is in use.
 */
export async function prepareRename(host: Host, renaming: Renaming): Promise<PreparedRename> {
  const { from, to } = renaming;
  const { root, isLive } = host;
  if (from === to) throw usageError(`Cannot rename "${from}": that is its name`);
  requireMachines(root, [from]);
  await requireFreeName(host, to);
  requireNoClash(host, to, from);
  const state = isLive ? (await readUnitStates(host.run, [from])).get(from) : undefined;
  const isRunning = isLive && !isStopped(state);
  if (isLive && !isRunning && (await readLeader(host.run, from)) !== undefined) {
    throw new MbctlError("conflict", `Cannot rename "${from}": it runs, started by hand`, {
      hint: `machinectl poweroff ${from}`,
    });
  }
  const system = await systemOf(host, renaming);
  const naming = filesOfOthers(host, renaming);
  const others = [...new Set(naming.map(({ owner }) => owner))];
  const change = planRename(renaming, {
    root,
    isLive,
    isRunning,
    files: [...ownFiles(root, renaming), ...(system?.files ?? []), ...naming],
    settings: system?.settings,
    others,
    moved: movedPaths(root, renaming).filter(([path]) => nameExists(path)),
  });
  return { change, isRunning, others };
}

/** What the tree of a whole system is told of its new name, and its network file; undefined for another machine. */
async function systemOf(
  host: Host,
  { from, to }: Renaming,
): Promise<
  { readonly settings: SystemSettings; readonly files: readonly RenamedFile[] } | undefined
> {
  const { spec } = readPresentMachine(host, from);
  if (spec.mode !== "base") return undefined;
  const facts = await readMachineFacts(host, from, spec, spec.ipv4, () => {});
  const text = renderHost0Network(to, facts, spec.ipv4);
  const { networkFile: path } = machinePaths(host.root, from);
  return {
    settings: systemSettings({ ...spec, name: to }, facts),
    files: text === undefined ? [] : [{ path, text, mode: 0o644 }],
  };
}

/** The files of a machine and of its snapshots that hold its name. */
function ownFiles(root: string, renaming: Renaming): RenamedFile[] {
  const paths = machinePaths(root, renaming.from);
  const { configurations, trees } = paths.snapshots;
  const kept = listDirectory(configurations).map((label) => join(configurations, label));
  const documents = listDirectory(trees).map((label) => join(trees, label, "snapshot.json"));
  return [
    ...[paths.configuration, ...kept].flatMap((folder) => configurationFiles(folder, renaming)),
    ...documents.flatMap((path) =>
      renamed(path, (text) => formatSnapshot({ ...parseSnapshot(text, path), name: renaming.to })),
    ),
    ...unitFiles(paths.unitDropInFolder, renaming),
  ];
}

/** The files of a configuration folder that hold the name; it may be a staged one. */
export function configurationFiles(folder: string, renaming: Renaming): RenamedFile[] {
  const applied = appliedPaths(folder);
  const inUnit = (text: string) => renameInUnit(text, renaming);
  const inEnvFile = (text: string) => renameInEnvFile(text, renaming);
  const inToml = (path: string) => (text: string) => renameInMachineToml(text, path, renaming);
  return [
    ...[folder, applied.folder].flatMap((place) => [
      ...renamed(join(place, "machine.toml"), inToml(join(place, "machine.toml"))),
      ...renamed(join(place, "container.nspawn"), inUnit),
      ...renamed(join(place, "man8env.env"), inEnvFile),
    ]),
    ...renamed(applied.unitDropIn, inUnit),
    ...unitFiles(applied.units, renaming),
  ];
}

/** Drop-ins, the administrator's too. */
function unitFiles(folder: string, renaming: Renaming): RenamedFile[] {
  return listDirectory(folder)
    .filter((name) => name.endsWith(".conf"))
    .flatMap((name) => renamed(join(folder, name), (text) => renameInUnit(text, renaming)));
}

/** The files of other machines that name this one: which wait for it, or let it in. */
function filesOfOthers(host: Host, renaming: Renaming): (RenamedFile & { owner: MachineName })[] {
  const { root, config } = host;
  const hostName = findHost(config.hosts, host.name)?.name ?? host.name;
  const others = readMachineSpecs(root).map(({ name }) => name);
  return others
    .filter((name) => name !== renaming.from)
    .flatMap((owner) => {
      const paths = machinePaths(root, owner);
      const inToml = (path: string) =>
        renamed(path, (text) => renameInOther(text, path, renaming, hostName));
      const copies = listDirectory(paths.applied.units).map((name) =>
        join(paths.applied.units, name),
      );
      const units = [paths.unitDropIn, paths.applied.unitDropIn, ...copies];
      return [
        ...[paths.machineToml, paths.applied.machineToml].flatMap(inToml),
        ...units.flatMap((path) => renamed(path, (text) => renameUnits(text, renaming))),
      ].map((file) => ({ ...file, owner }));
    });
}

/** A file with its new text; none where it is not there, is no file, or stays as it is. */
function renamed(path: string, rename: (text: string) => string): RenamedFile[] {
  const before = readTextIfPresent(path, "latin1");
  if (before === undefined) return [];
  const text = rename(before);
  return text === before ? [] : [{ path, text, mode: lstatSync(path).mode & 0o7777 }];
}
