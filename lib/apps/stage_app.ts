/**
 * Makes all of an application under hidden names: its tree, what lies beside it, its units, its volumes.
 *
 * @module
 */

import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Run } from "../host/run.ts";
import { syncFileSystemOf } from "../host/files.ts";
import { parseImageConfigText } from "../image/config.ts";
import { isExecutableInside } from "../machine/shell.ts";
import { connectorsInMachine } from "../paths.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { Volume } from "../spec/machine_spec.ts";
import { makeDirectoryInside, resolveInside } from "../trees/root_tree.ts";
import { copyVolume } from "../trees/volume_copy.ts";
import { type AppFile, type AppTree, renderApp } from "./app_files.ts";
import { appsFolder, appUnits } from "./app_paths.ts";
import type { AppPlace, AppStep } from "./app_step.ts";
import { BoundFolder } from "./bound_folder.ts";

/** Where applications lie, below the tree of a machine. */
export const appsInTree = appsFolder.slice(1);

/** Hidden names: no application begins with a dot. */
export const stagedApp = (name: AppName) => `.mbctl-new.${name}`;
export const oldApp = (name: AppName) => `.mbctl-old.${name}`;

/** In the staged folder. */
export const stagedUnits = "units";
export const stagedLink = "wants";
export const stagedVolumes = (name: AppName) => `.mbctl-new.${name}`;

/** The volumes that lie in folders of the machine, which the machine can write to as well. */
export function ownVolumes(app: AppSpec, kind: "data" | "config"): Volume[] {
  return app.volumes.filter((volume) => volume.kind === kind);
}

/** The folder of a machine that holds volumes of a kind. */
export function volumesFolder(place: AppPlace, kind: "data" | "config"): string {
  return kind === "data" ? place.storage : place.appFolder;
}

export interface StageTools {
  readonly run: Run;
  /** Applies the image's layers, giving a tree at a free name: a plain directory. */
  readonly unpack: (tree: string) => Promise<void>;
}

/**
 * Makes it all. What an earlier run left under these names goes.
 *
 * @throws {MbctlError} (conflict) where the machine is in the way, (usage) for an image that cannot be used so.
 */
export async function stageApp(
  { place, app, imageText, busybox }: Extract<AppStep, { kind: "stage-app" }>,
  { run, unpack }: StageTools,
): Promise<void> {
  using tree = BoundFolder.open(place.tree, "");
  using apps = tree.make(appsInTree);
  using staged = apps.stage(stagedApp(app.name));
  const root = join(staged.path, "root");
  await unpack(root);
  fitTree(root, app);
  const files = renderApp(app, parseImageConfigText(imageText), imageText, lookInto(root));
  makeDirectoryInside(root, files.program.workingDirectory);
  // What the application finds at /run lies outside of its root: it cannot put a link in its place.
  moveRun(root, join(staged.path, "run"));
  if (busybox !== undefined) copyFileSync(busybox, join(staged.path, "busybox"));
  if (busybox !== undefined) chmodSync(join(staged.path, "busybox"), 0o755);
  writeFiles(staged.path, files.metadata);
  mkdirSync(join(staged.path, stagedUnits));
  writeFiles(join(staged.path, stagedUnits), files.units);
  const { service } = appUnits(app.name);
  symlinkSync(`../${service}`, join(staged.path, stagedLink));
  for (const kind of ["data", "config"] as const) await stageVolumes(run, place, app, kind, root);
  syncFileSystemOf(staged.path);
}

/** What systemd mounts in an application's tree has to be there, and to be no link that leads elsewhere. */
function fitTree(root: string, app: AppSpec): void {
  chmodSync(root, 0o755);
  for (const folder of ["/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/etc", connectorsInMachine]) {
    makeDirectoryInside(root, folder);
  }
  for (const file of ["/etc/resolv.conf", "/etc/hosts"]) {
    const { hostPath } = resolveInside(root, file, { followLast: false });
    const entry = lstatSync(hostPath, { throwIfNoEntry: false });
    if (entry?.isSymbolicLink()) unlinkSync(hostPath);
    if (entry === undefined || entry.isSymbolicLink()) writeFileSync(hostPath, "", { mode: 0o644 });
  }
  for (const { kind, path } of app.volumes) if (kind !== "skip") makeDirectoryInside(root, path);
}

function moveRun(root: string, to: string): void {
  const from = join(root, "run");
  const entry = lstatSync(from, { throwIfNoEntry: false });
  if (entry?.isDirectory()) renameSync(from, to);
  else {
    if (entry !== undefined) unlinkSync(from);
    mkdirSync(to, { mode: 0o755 });
  }
  mkdirSync(from, { mode: 0o755 });
}

/** What the image holds in its volumes, below the folder of the machine that will have them. */
async function stageVolumes(
  run: Run,
  place: AppPlace,
  app: AppSpec,
  kind: "data" | "config",
  root: string,
): Promise<void> {
  const volumes = ownVolumes(app, kind);
  if (volumes.length === 0) return;
  using folder = BoundFolder.open(volumesFolder(place, kind), "/oci");
  using staged = folder.stage(stagedVolumes(app.name));
  for (const [index, { path, owner, mode }] of volumes.entries()) {
    await copyVolume(run, root, path, join(staged.path, `${index}`), {
      ...owner,
      ...(mode === undefined ? {} : { mode }),
    });
  }
}

/** Reads what is needed of a staged tree, which nobody else writes to. */
function lookInto(root: string): AppTree {
  const read = (path: string) => {
    const { hostPath, exists } = resolveInside(root, path);
    return exists && statSync(hostPath).isFile() ? readFileSync(hostPath, "utf8") : "";
  };
  return {
    passwd: read("/etc/passwd"),
    group: read("/etc/group"),
    isProgram: (path) => isExecutableInside(root, path),
  };
}

function writeFiles(folder: string, files: readonly AppFile[]): void {
  for (const { name, text, mode } of files) {
    writeFileSync(join(folder, name), text, { mode, flag: "wx" });
    chmodSync(join(folder, name), mode);
  }
}
