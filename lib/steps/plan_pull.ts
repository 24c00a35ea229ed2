/**
 * Making a machine: everything is prepared under hidden names, then moved to
 * its place, the link in /var/lib/machines last. A marker is written first; a
 * run that finds the marker of a killed one knows from it what to clear.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { appliedPaths, belowRoot, machinePaths, type MachinePaths, stagedName } from "../paths.ts";
import { checkVolumes } from "../render/check_volumes.ts";
import { planApplied } from "./plan_applied.ts";
import { limitSteps, planTree, type TreeFitting, type TreeSource } from "./plan_tree.ts";
import type { MachineFiles } from "../render/render.ts";
import type { MachineSpec, Volume } from "../spec/machine_spec.ts";
import type { FolderOwner, Step } from "./step.ts";
import { outerFirst } from "../spec/volume.ts";

export interface PullPlan {
  readonly root: string;
  readonly spec: MachineSpec;
  readonly files: MachineFiles;
  /** The image's configuration, verbatim. */
  readonly imageText: string;
  readonly tree: TreeSource;
  readonly fitting: TreeFitting;
  /** Whether systemd runs on this root, and has to be told. */
  readonly isLive: boolean;
}

/**
 * The steps of a pull up to its commit; {@linkcode finishPull} has the rest.
 *
 * @throws {MbctlError} (usage) for a volume that would lie over something of ours or of the kernel's.
 */
export function planPull(plan: PullPlan): Step[] {
  const { root, spec, files, isLive } = plan;
  const paths = machinePaths(root, spec.name);
  const volumes = outerFirst(spec.volumes);
  const inside = (kind: Volume["kind"]) => volumes.filter((volume) => volume.kind === kind);
  checkVolumes(volumes);
  const copy = (volume: Volume, staged: string): Step => ({
    kind: "copy-volume",
    tree: paths.stagedTree,
    path: volume.path,
    into: join(staged, volume.path),
    ...folderOwner(volume),
  });
  const write = (folder: string, path: string, text: string, mode: number): Step => ({
    kind: "write-file",
    path: join(folder, path.slice(dirname(path).length + 1)),
    text,
    mode,
  });
  const isSystem = spec.mode === "base";
  const hasStorage = isSystem || inside("data").length > 0;
  return [
    // 0700 as systemd's own /var/lib/machines: setuid programs of images are out of users' reach.
    ...[paths.tree, paths.configuration, paths.machineLink].map((path): Step => ({
      kind: "make-directory",
      path: dirname(path),
      mode: 0o700,
    })),
    { kind: "make-directory", path: dirname(paths.nspawnLink), mode: 0o755 },
    { kind: "write-file", path: paths.pullMarker, text: formatMarker(spec.volumes), mode: 0o600 },
    ...planTree(plan.tree, spec.image.reference, paths.stagedTree, plan.fitting),

    { kind: "make-directory", path: paths.stagedConfiguration, mode: 0o700 },
    write(paths.stagedConfiguration, paths.machineToml, files.machineToml, 0o644),
    write(paths.stagedConfiguration, paths.nspawn, files.nspawn, 0o644),
    write(paths.stagedConfiguration, paths.envFile, files.envFile, 0o600),
    ...(files.network === undefined
      ? []
      : [write(paths.stagedConfiguration, paths.networkFile, files.network, 0o644)]),
    ...(isSystem
      ? [
          {
            kind: "make-directory",
            path: join(paths.stagedConfiguration, "apps"),
            mode: 0o755,
          } as const,
        ]
      : []),
    ...planApplied(appliedPaths(paths.stagedConfiguration), files, plan.imageText),
    ...inside("config").map((volume) => copy(volume, paths.stagedConfiguration)),
    ...(hasStorage
      ? [{ kind: "make-directory", path: dirname(paths.storage), mode: 0o700 } as const]
      : []),
    ...(hasStorage ? [{ kind: "make-tree", path: paths.stagedStorage } as const] : []),
    ...inside("data").map((volume) => copy(volume, paths.stagedStorage)),
    ...volumes.flatMap((volume): Step[] =>
      volume.kind === "host"
        ? [
            {
              kind: "stage-host-volume",
              tree: paths.stagedTree,
              path: volume.path,
              into: volume.source,
              ...folderOwner(volume),
            },
          ]
        : [],
    ),
    ...limitSteps(spec, paths.stagedTree),
    { kind: "sync", path: paths.stagedTree },

    ...(hasStorage
      ? [{ kind: "move", from: paths.stagedStorage, to: paths.storage } as const]
      : []),
    { kind: "move", from: paths.stagedConfiguration, to: paths.configuration },
    { kind: "move", from: paths.stagedTree, to: paths.tree },
    { kind: "link", path: paths.nspawnLink, target: belowRoot(root, paths.nspawn) },
    { kind: "make-directory", path: paths.unitDropInFolder, mode: 0o755 },
    { kind: "write-file", path: paths.unitDropIn, text: files.unitDropIn, mode: 0o644 },
    ...(isLive ? [{ kind: "reload-systemd" } as const] : []),
    { kind: "link", path: paths.machineLink, target: belowRoot(root, paths.tree) },
  ];
}

/**
 * What is left to do when a pull is committed. Only now does something appear in
 * folders of the administrator's own: a pull that is taken back leaves them alone.
 *
 * @param marker the marker's text.
 */
export function finishPull(paths: MachinePaths, marker: string): Step[] {
  return [
    ...parseMarker(marker).map((into): Step => ({ kind: "place-host-volume", into })),
    { kind: "derive-host" },
    { kind: "remove", path: paths.pullMarker },
  ];
}

/**
 * Takes back a pull that was stopped before its commit. Nothing of the machine
 * was there when the marker was written, so all that is there now is the pull's.
 *
 * @param marker the marker's text.
 */
export function planRollback(paths: MachinePaths, marker: string): Step[] {
  return [
    ...[
      // Of an import: it ends by rebuilding the machine, which is a change.
      paths.changeMarker,
      paths.machineLink,
      paths.nspawnLink,
      paths.unitDropInFolder,
      paths.tree,
      paths.storage,
      paths.configuration,
    ].map((path): Step => ({ kind: "remove", path })),
    ...clearStaged(paths, marker),
  ];
}

/** Clears all hidden names of a pull, the marker last. */
export function clearStaged(paths: MachinePaths, marker: string): Step[] {
  return [
    ...[
      paths.stagedTree,
      paths.stagedStorage,
      paths.stagedConfiguration,
      stagedName(paths.nspawnLink),
      stagedName(paths.machineLink),
    ].map((path): Step => ({ kind: "remove", path })),
    ...parseMarker(marker).map((into): Step => ({ kind: "clear-host-volume", into })),
    { kind: "remove", path: paths.pullMarker },
  ];
}

/** The marker names the administrator's folders that the pull fills, one a line. */
export function formatMarker(volumes: readonly Volume[]): string {
  return volumes
    .flatMap((volume) => (volume.kind === "host" ? [`${volume.source}\n`] : []))
    .join("");
}

function parseMarker(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** What the folder of a volume is made to be; nothing where the user chose nothing. */
export function folderOwner({ owner, mode }: Volume): { readonly owner?: FolderOwner } {
  if (owner === undefined && mode === undefined) return {};
  return { owner: { ...owner, ...(mode === undefined ? {} : { mode }) } };
}
