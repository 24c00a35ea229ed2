/**
 * What becomes of a machine's volumes when their choices change: new ones are filled, those that get another place
 * are moved there, those that are not wanted any more are left alone. Pure.
 *
 * @module
 */

import { boundFolders } from "../apps/app_paths.ts";
import { dirname, join } from "node:path";
import type { ChangePart } from "../change/plan_files.ts";
import { MbctlError } from "../errors.ts";
import type { MachinePaths } from "../paths.ts";
import { folderOwner } from "../steps/plan_pull.ts";
import type { Step } from "../steps/step.ts";
import type { Volume } from "../spec/machine_spec.ts";
import { outerFirst, volumeSource } from "../spec/volume.ts";

export interface VolumeChanges extends ChangePart {
  /** Data that gets another place: to be asked about, and copied while the machine stands still. */
  readonly moves: readonly string[];
  /** What a person should know: folders that are left alone, or taken over. */
  readonly notes: readonly string[];
}

/** Where a volume's content is now: a directory of a tree. */
interface Place {
  readonly tree: string;
  readonly path: string;
}

/**
 * Plans the way from one list of volumes to another.
 *
 * @param paths with the tree that new volumes get their content from.
 * @param isThere whether a path exists.
 * @param isSystem whether the machine is a whole system, which can write to all of its storage.
 * @throws {MbctlError} (conflict) when data would have to move over other data, or from around it.
 */
export function planVolumes(
  paths: MachinePaths,
  before: readonly Volume[],
  after: readonly Volume[],
  isThere: (path: string) => boolean,
  isSystem = false,
): VolumeChanges {
  const prepare: Step[] = [];
  const undo: Step[] = [];
  const redo: Step[] = [];
  const moves: string[] = [];
  const notes: string[] = [];
  const old = new Map(before.map((volume) => [volume.path, volume]));
  const staging = new Set<string>();
  /** Whether a whole system has it mounted with what is around it. */
  const isShared = (place: string) =>
    isSystem && [paths.storage, paths.appFolder].some((outer) => place.startsWith(`${outer}/`));
  for (const volume of outerFirst(after)) {
    const earlier = old.get(volume.path);
    old.delete(volume.path);
    const [from, to] = [earlier && volumeSource(paths, earlier), volumeSource(paths, volume)];
    if (from === to) continue;
    if (to === undefined) {
      if (from !== undefined)
        notes.push(`left alone: ${from}, which was the volume ${volume.path}`);
      continue;
    }
    const outer = before.find((other) => to.startsWith(`${volumeSource(paths, other)}/`));
    if (outer !== undefined) throw insideAnother(volume.path, outer.path);
    if (isShared(to)) throw insideSystem(volume.path);
    const place = placeOf(paths, earlier, volume.path);
    if (volume.kind === "host") {
      const isMoved = from === undefined ? {} : ({ isMoved: true } as const);
      prepare.push({
        kind: "stage-host-volume",
        ...{ ...place, into: to, ...folderOwner(volume), ...isMoved },
      });
      undo.push({ kind: "clear-host-volume", into: to });
      redo.push({ kind: "place-host-volume", into: to });
    } else if (isThere(to)) {
      if (from !== undefined) throw inTheWay(volume.path, from, to);
      notes.push(`taken as it is: ${to}, for the volume ${volume.path}`);
    } else {
      // On the file system of its target; a number, as one volume may lie in another.
      const staged = volume.kind === "config" ? paths.stagedConfiguration : paths.stagedStorage;
      const from = join(staged, String(prepare.length));
      prepare.push({ kind: "copy-volume", ...place, into: from, ...folderOwner(volume) });
      redo.push({ kind: "make-directory", path: dirname(to), mode: 0o755 });
      redo.push({ kind: "settle", from, to });
      staging.add(staged);
    }
    if (from === undefined) continue;
    const inner = after.find((other) => volumeSource(paths, other)?.startsWith(`${from}/`));
    if (inner !== undefined) throw inItsMidst(volume.path, from, inner.path);
    moves.push(`${volume.path}: from ${from} to ${to}`);
    // A folder of the administrator's own is never removed. Nor is one to which a link of the machine's may lead us.
    const isReached = before.some((other) => from.startsWith(`${volumeSource(paths, other)}/`));
    if (earlier?.kind === "host" || isReached || isShared(from))
      notes.push(`left alone: ${from}, whose content was copied`);
    else redo.push({ kind: "remove", path: from });
  }
  for (const volume of old.values()) {
    const source = volumeSource(paths, volume);
    if (source !== undefined) {
      notes.push(`left alone: ${source}, which was the volume ${volume.path}`);
    }
  }
  const clear = [...staging].map((path): Step => ({ kind: "remove", path }));
  return {
    // What a killed run of another kind may have left there.
    prepare: [
      ...clear,
      ...prepare,
      // Storage may be a disk of its own. Where it came from is removed: first it must be on that disk.
      ...[...staging].map((path): Step => ({ kind: "sync", path: dirname(path) })),
    ],
    undo: [...clear, ...undo],
    redo: [...redo, ...clear],
    moves,
    notes,
  };
}

function inTheWay(path: string, from: string, to: string): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot move the data of the volume ${path} from ${from} to ${to}: that is there already`,
    { hint: `look at both; what is in ${to} has to go first` },
  );
}

/** The machine may have made a link in it that leads to the host's own folders. */
function insideAnother(path: string, outer: string): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot add the volume ${path}: it would lie in the volume ${outer}, which the machine writes to`,
    { hint: `what it holds is kept in ${outer} anyway: kind = "skip", or --mount ${path}=skip` },
  );
}

/** As above: all of its storage is bound into a whole system. */
function insideSystem(path: string): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot keep the volume ${path} in the machine's storage: a whole system writes to all of that, as ${boundFolders.data}`,
    {
      hint: `bind a folder of the host: kind = "host"; or a folder of ${boundFolders.data}, in the machine`,
    },
  );
}

/** It would be removed with what lies around it. */
function inItsMidst(path: string, from: string, inner: string): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot move the data of the volume ${path} from ${from}: the volume ${inner} lies in it`,
    { hint: `move both, ${path} and ${inner}, to the same kind of place` },
  );
}

function placeOf(paths: MachinePaths, volume: Volume | undefined, path: string): Place {
  switch (volume?.kind) {
    case "config":
      return { tree: paths.configuration, path };
    case "data":
      return { tree: paths.storage, path };
    case "host":
      return { tree: volume.source, path: "/" };
    default:
      return { tree: paths.tree, path };
  }
}
