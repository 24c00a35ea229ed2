/**
 * The way back to a snapshot that the same change kept. Pure.
 *
 * @module
 */

import { join } from "node:path";
import type { MachinePaths } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import { clearOld } from "./keep_current.ts";
import type { Label } from "./label.ts";
import { snapshotPaths } from "./snapshot_paths.ts";
import type { UnitFile } from "./plan_unit_files.ts";

export interface BackRequest {
  readonly paths: MachinePaths;
  readonly label: Label;
  readonly hasData: boolean;
  /** The drop-ins of the unit as they were. */
  readonly unitFiles: readonly UnitFile[];
}

/** The way back to a snapshot that the same change kept; each step may be repeated. */
export interface PlannedBack {
  /** The machine must not run meanwhile. systemd has to be told afterwards. */
  readonly swap: readonly Step[];
  /** Removes what was taken away, and what is left of the snapshot: it was used up. */
  readonly clear: readonly Step[];
}

/** Plans the way back. What is small is written, all else renamed. */
export function planBack({ paths, label, hasData, unitFiles }: BackRequest): PlannedBack {
  const snapshot = snapshotPaths(paths, label);
  const exchange = (from: string, to: string, aside: string): Step => ({
    kind: "exchange",
    from,
    to,
    aside,
  });
  return {
    swap: [
      exchange(snapshot.tree, paths.tree, paths.oldTree),
      ...(hasData ? [exchange(snapshot.data, paths.storage, paths.oldStorage)] : []),
      exchange(snapshot.configuration, paths.configuration, paths.oldConfiguration),
      ...unitFiles.map(({ name, text }): Step => ({
        kind: "write-file",
        path: join(paths.unitDropInFolder, name),
        text,
        mode: 0o644,
        encoding: "latin1",
      })),
    ],
    clear: [...clearOld(paths), { kind: "remove", path: snapshot.folder }],
  };
}
