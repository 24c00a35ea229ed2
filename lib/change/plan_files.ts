/**
 * The files of a machine put in place of those that are there: prepared beside them, then renamed over them.
 * Pure.
 *
 * @module
 */

import { basename, join } from "node:path";
import { planApplied } from "../steps/plan_applied.ts";
import { type AppliedPaths, appliedPaths, type MachinePaths, nextName } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import { type Rerendering, toLatin1 } from "./rerender.ts";

/** A part of a change: see `Change` in apply_change.ts. */
export interface ChangePart {
  readonly prepare: readonly Step[];
  readonly undo: readonly Step[];
  readonly redo: readonly Step[];
}

/** What is to lie on the disk. */
export interface NewFiles {
  /** machine.toml as the administrator will see it: their own text, or ours. */
  readonly machineToml: string;
  readonly rerendering: Rerendering;
  /** The image's configuration, verbatim. */
  readonly imageText: string;
}

/**
 * Plans new files for a machine. Nothing is decided by what differs: a file that is the same is put in its
 * own place.
 */
export function planFiles(paths: MachinePaths, files: NewFiles): ChangePart {
  const { machineToml, rerendering, imageText } = files;
  const { merged, rendered } = rerendering;
  const { network } = rendered;
  const nextApplied = appliedPaths(paths.configuration);
  const staged: AppliedPaths = inFolder(nextApplied, nextName(nextApplied.folder));
  const edited: readonly (readonly [path: string, text: string, mode: number])[] = [
    [paths.machineToml, toLatin1(machineToml), 0o644],
    [paths.nspawn, merged.nspawn, 0o644],
    [paths.envFile, merged.envFile, 0o600],
    // Never merged: its own header says where edits go.
    ...(network === undefined ? [] : [[paths.networkFile, toLatin1(network), 0o644] as const]),
    [paths.unitDropIn, merged.unitDropIn, 0o644],
    // The copy of it by which the folder alone rebuilds the machine; the next start would come too late.
    [join(nextApplied.units, basename(paths.unitDropIn)), merged.unitDropIn, 0o644],
  ];
  const applied = planApplied(staged, { ...rendered, machineToml }, imageText);
  const appliedFiles = applied.flatMap((step) => (step.kind === "write-file" ? [step.path] : []));
  return {
    prepare: [
      { kind: "remove", path: staged.folder },
      { kind: "make-directory", path: paths.unitDropInFolder, mode: 0o755 },
      { kind: "make-directory", path: nextApplied.folder, mode: 0o700 },
      { kind: "make-directory", path: nextApplied.units, mode: 0o700 },
      ...applied,
      ...edited.map(([path, text, mode]): Step => ({
        kind: "write-file",
        path: nextName(path),
        text,
        mode,
        encoding: "latin1",
      })),
    ],
    undo: [staged.folder, ...edited.map(([path]) => nextName(path))].map((path): Step => ({
      kind: "remove",
      path,
    })),
    redo: [
      ...appliedFiles.map((from): Step => ({
        kind: "replace",
        from,
        to: `${nextApplied.folder}${from.slice(staged.folder.length)}`,
      })),
      { kind: "remove", path: staged.folder },
      ...edited.map(([path]): Step => ({ kind: "replace", from: nextName(path), to: path })),
    ],
  };
}

/** The same paths in another folder. */
function inFolder(applied: AppliedPaths, folder: string): AppliedPaths {
  const paths = Object.entries(applied).map(([key, path]: [string, string]) => [
    key,
    `${folder}${path.slice(applied.folder.length)}`,
  ]);
  return Object.fromEntries(paths) as unknown as AppliedPaths;
}
