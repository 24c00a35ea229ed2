/**
 * Giving a machine another name, as a change. Its files are renamed where they lie; then its folders, links and
 * units go to their new names, the link in /var/lib/machines last. Pure.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import { belowRoot, machinePaths, nextName } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import type { SystemSettings } from "../os/system_settings.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import type { Renaming } from "./rename_texts.ts";

/** A file that holds the name; latin1, as it may hold any bytes. */
export interface RenamedFile {
  readonly path: string;
  /** As it is to be. */
  readonly text: string;
  readonly mode: number;
}

/** What was found of the machine. */
export interface RenameFacts {
  readonly root: string;
  /** Whether systemd runs on this root, and has to be told. */
  readonly isLive: boolean;
  readonly isRunning: boolean;
  /** Its own files, those of its snapshots, and those of machines that name it. */
  readonly files: readonly RenamedFile[];
  /** What the tree of a whole system is told. */
  readonly settings?: SystemSettings | undefined;
  /** Machines of which a file is among them. */
  readonly others: readonly MachineName[];
  /** Its folders and links that are there, of {@linkcode movedPaths}. */
  readonly moved: readonly (readonly [from: string, to: string])[];
}

/** Everything of a machine that goes to another name as a whole. The tree comes last but for its link. */
export function movedPaths(root: string, { from, to }: Renaming): [from: string, to: string][] {
  const [old, next] = [machinePaths(root, from), machinePaths(root, to)];
  return [
    [old.storage, next.storage],
    [old.configuration, next.configuration],
    [old.snapshots.storage, next.snapshots.storage],
    [old.snapshots.configurations, next.snapshots.configurations],
    [old.snapshots.trees, next.snapshots.trees],
    [old.unitDropInFolder, next.unitDropInFolder],
    [old.bootLink, next.bootLink],
    [old.tree, next.tree],
  ];
}

/**
 * Plans the change. Its journal stands under the old name; links lead to it from the new one and from all other
 * machines whose files it changes, so that whoever touches one of them ends it.
 */
export function planRename(renaming: Renaming, facts: RenameFacts): Change {
  const { from, to } = renaming;
  const { root, isLive, isRunning, files, settings, others, moved } = facts;
  const [old, next] = [machinePaths(root, from), machinePaths(root, to)];
  const remove = (path: string): Step => ({ kind: "remove", path });
  const unit = (action: "start" | "stop", name: MachineName): Step => ({
    kind: "unit",
    action,
    units: [machineUnit(name)],
  });
  const aliases = [to, ...others].map((name) => machinePaths(root, name).changeMarker);
  // A link that leads nowhere is known to be one of a change that has ended.
  const journals = [old.changeMarker, ...aliases].map(remove);
  return {
    name: from,
    verb: "rename",
    prepare: [
      ...aliases.map((path): Step => ({ kind: "link", path, target: old.changeMarker })),
      ...files.map(({ path, text, mode }): Step => ({
        kind: "write-file",
        path: nextName(path),
        text,
        mode,
        encoding: "latin1",
      })),
    ],
    undo: [...files.map(({ path }) => remove(nextName(path))), ...journals],
    redo: [
      ...(isRunning ? [unit("stop", from)] : []),
      ...(isLive ? [{ kind: "forget-failure", name: from } as const] : []),
      remove(old.machineLink),
      ...files.map(({ path }): Step => ({ kind: "replace", from: nextName(path), to: path })),
      ...moved.map(([path, target]): Step => ({ kind: "settle", from: path, to: target })),
      ...(settings === undefined
        ? []
        : [{ kind: "settle-system", tree: next.tree, settings, isForgiving: true } as const]),
      remove(old.nspawnLink),
      { kind: "link", path: next.nspawnLink, target: belowRoot(root, next.nspawn) },
      ...(isLive ? [{ kind: "reload-systemd" } as const] : []),
      { kind: "link", path: next.machineLink, target: belowRoot(root, next.tree) },
      { kind: "derive-host" },
      // Before the start: one that fails is told, and not tried again by each mbctl to come.
      ...journals,
      ...(isRunning ? [unit("start", to)] : []),
    ],
  };
}
