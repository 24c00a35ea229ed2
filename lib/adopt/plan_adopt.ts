/**
 * Taking over a machine that mbctl did not make, as a change. Its files stay as they are, verbatim, and mbctl's own
 * rendering lies beside them: whatever differs counts as its administrator's. Pure.
 *
 * @module
 */

import { dirname } from "node:path";
import type { Change } from "../change/apply_change.ts";
import { type NewFiles, planFiles } from "../change/plan_files.ts";
import { belowRoot, machinePaths } from "../paths.ts";
import type { TreeNeeds } from "../render/tree_needs.ts";
import type { Step } from "../steps/step.ts";
import type { MachineName } from "../spec/machine_name.ts";

export interface AdoptPlan {
  readonly root: string;
  readonly isLive: boolean;
  readonly name: MachineName;
  readonly files: NewFiles;
  /** Where its tree lies, if that is not its place. */
  readonly treeFrom: string | undefined;
  /** Whether its configuration folder is there already. */
  readonly hasConfiguration: boolean;
  /** What man8s-init needs of the tree; undefined: the machine keeps its own init. */
  readonly init: { readonly busybox: string; readonly needs: TreeNeeds } | undefined;
}

/** Plans the change. The machine runs on, if it does: all of it counts from its next start. */
export function planAdopt(plan: AdoptPlan): Change {
  const { root, isLive, name, treeFrom, hasConfiguration, init } = plan;
  const paths = machinePaths(root, name);
  const files = planFiles(paths, plan.files);
  const folder = (path: string, mode: number): Step => ({ kind: "make-directory", path, mode });
  return {
    name,
    verb: "adopt",
    prepare: [
      ...[paths.tree, paths.configuration, paths.machineLink].map((path) =>
        folder(dirname(path), 0o700),
      ),
      folder(dirname(paths.nspawnLink), 0o755),
      folder(paths.configuration, 0o700),
      ...files.prepare,
    ],
    undo: [
      ...files.undo,
      ...(hasConfiguration ? [] : [{ kind: "remove", path: paths.configuration } as const]),
    ],
    redo: [
      ...(treeFrom === undefined
        ? []
        : [{ kind: "settle", from: treeFrom, to: paths.tree } as const]),
      ...(init === undefined
        ? []
        : ([
            { kind: "complete-tree", tree: paths.tree, ...init.needs },
            { kind: "install-init", tree: paths.tree, busybox: init.busybox },
          ] as const)),
      ...files.redo,
      { kind: "link", path: paths.nspawnLink, target: belowRoot(root, paths.nspawn) },
      { kind: "link", path: paths.machineLink, target: belowRoot(root, paths.tree) },
      ...(isLive ? [{ kind: "reload-systemd" } as const] : []),
      { kind: "derive-host" },
    ],
  };
}
