/**
 * The drop-ins of a machine's unit: they lie in /etc, and a copy of them in the configuration folder, so that
 * this folder alone can bring the machine back. Pure.
 *
 * @module
 */

import { join } from "node:path";
import { nextName } from "../paths.ts";
import type { Step } from "../steps/step.ts";

/** One drop-in, ours or the administrator's; latin1, as it may hold any bytes. */
export interface UnitFile {
  readonly name: string;
  readonly text: string;
}

/** Copies drop-ins to the hidden folder of a configuration. */
export function keepUnitFiles(folder: string, files: readonly UnitFile[]): Step[] {
  return [
    { kind: "remove", path: folder },
    { kind: "make-directory", path: folder, mode: 0o700 },
    ...files.map(({ name, text }): Step => ({
      kind: "write-file",
      path: join(folder, name),
      text,
      mode: 0o600,
      encoding: "latin1",
    })),
  ];
}

/** Puts drop-ins in the place of those that are there; each step may be repeated. */
export function restoreUnitFiles(
  folder: string,
  files: readonly UnitFile[],
  present: readonly UnitFile[],
): { readonly prepare: Step[]; readonly undo: Step[]; readonly redo: Step[] } {
  const kept = new Set(files.map(({ name }) => name));
  const staged = files.map(({ name }) => nextName(join(folder, name)));
  return {
    prepare: [
      { kind: "make-directory", path: folder, mode: 0o755 },
      ...files.map(({ text }, place): Step => ({
        kind: "write-file",
        path: staged[place] ?? "",
        text,
        mode: 0o644,
        encoding: "latin1",
      })),
    ],
    undo: staged.map((path): Step => ({ kind: "remove", path })),
    redo: [
      ...files.map(({ name }, place): Step => ({
        kind: "replace",
        from: staged[place] ?? "",
        to: join(folder, name),
      })),
      ...present
        .filter(({ name }) => !kept.has(name))
        .map(({ name }): Step => ({ kind: "remove", path: join(folder, name) })),
    ],
  };
}
