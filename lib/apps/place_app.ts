/**
 * Puts an application that was staged in its place, and takes one away: by renames and removals, each of which may be
 * repeated.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { nameExists } from "../host/files.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import { appUnits, unitFolder, wantsFolder } from "./app_paths.ts";
import type { AppPlace } from "./app_step.ts";
import { BoundFolder } from "./bound_folder.ts";
import {
  appsInTree,
  oldApp,
  ownVolumes,
  stagedApp,
  stagedLink,
  stagedUnits,
  stagedVolumes,
  volumesFolder,
} from "./stage_app.ts";

/** Removes what was staged of an application, and what was taken away of one. */
export function clearApp(place: AppPlace, name: AppName): void {
  using tree = BoundFolder.open(place.tree, "");
  using apps = tree.find(appsInTree);
  apps?.remove(stagedApp(name));
  apps?.remove(oldApp(name));
  tree.prune(appsInTree);
  clearVolumes(place, name);
}

/** Puts what was staged in its place; a second time there is nothing left to do. */
export function placeApp(place: AppPlace, app: AppSpec): void {
  using tree = BoundFolder.open(place.tree, "");
  using apps = tree.make(appsInTree);
  for (const kind of ["data", "config"] as const) placeVolumes(place, app, kind);
  using staged = apps.findStaged(stagedApp(app.name));
  if (staged !== undefined) {
    if (apps.has(app.name)) {
      apps.remove(oldApp(app.name));
      apps.move(app.name, apps, oldApp(app.name));
    }
    placeUnits(tree, app.name, staged);
    apps.move(stagedApp(app.name), apps, app.name);
  }
  // A killed run may have come so far.
  using placed = apps.findStaged(app.name);
  placed?.release();
  apps.remove(oldApp(app.name));
}

/** Takes an application away: its units, then its folder. */
export function removeApp(place: AppPlace, name: AppName, isWithData: boolean): void {
  using tree = BoundFolder.open(place.tree, "");
  using units = tree.find(unitFolder.slice(1));
  using wants = tree.find(wantsFolder.slice(1));
  wants?.unlink(appUnits(name).service);
  for (const unit of Object.values(appUnits(name))) units?.unlink(unit);
  using apps = tree.find(appsInTree);
  for (const folder of [name, stagedApp(name), oldApp(name)]) apps?.remove(folder);
  tree.prune(appsInTree);
  clearVolumes(place, name);
  if (!isWithData) return;
  for (const kind of ["data", "config"] as const) {
    using folder = openVolumes(place, kind);
    folder?.remove(name);
  }
}

function placeUnits(tree: BoundFolder, name: AppName, staged: BoundFolder): void {
  using own = staged.find(stagedUnits);
  using units = tree.make(unitFolder.slice(1));
  using wants = tree.make(wantsFolder.slice(1));
  if (own === undefined) return;
  const left = new Set(readdirSync(own.path));
  // A unit that the application had, and has no more.
  for (const unit of Object.values(appUnits(name))) if (!left.has(unit)) units.unlink(unit);
  for (const unit of left) own.move(unit, units, unit);
  if (staged.has(stagedLink)) staged.move(stagedLink, wants, appUnits(name).service);
  staged.remove(stagedUnits);
}

/** A volume that is there already is kept: it is the data of an earlier one. */
function placeVolumes(place: AppPlace, app: AppSpec, kind: "data" | "config"): void {
  using folder = openVolumes(place, kind);
  using staged = folder?.findStaged(stagedVolumes(app.name));
  if (folder === undefined || staged === undefined) return;
  for (const [index, { path }] of ownVolumes(app, kind).entries()) {
    using parent = folder.make(`${app.name}${dirname(path)}`);
    const name = basename(path);
    if (staged.has(`${index}`) && !parent.has(name)) staged.move(`${index}`, parent, name);
  }
  folder.remove(stagedVolumes(app.name));
}

function clearVolumes(place: AppPlace, name: AppName): void {
  for (const kind of ["data", "config"] as const) {
    using folder = openVolumes(place, kind);
    folder?.remove(stagedVolumes(name));
  }
}

/** Undefined for a machine that has no such folder. */
function openVolumes(place: AppPlace, kind: "data" | "config"): BoundFolder | undefined {
  const folder = volumesFolder(place, kind);
  return nameExists(folder) ? BoundFolder.open(folder, "/oci") : undefined;
}
