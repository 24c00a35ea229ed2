/**
 * The applications that a machine is declared to have, held against those that it has.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import type { Change } from "../change/apply_change.ts";
import { findBusybox } from "../host/busybox.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { parseDigest } from "../image/digest.ts";
import { parseImageRef } from "../image/reference.ts";
import type { ImageTools } from "../steps/apply.ts";
import { machinePaths } from "../paths.ts";
import { checkVolumes } from "../render/check_volumes.ts";
import { formatApp } from "../spec/app_toml.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { allVolumes } from "../spec/volume.ts";
import { requireAppChoices } from "./app_program.ts";
import { BoundFolder } from "./bound_folder.ts";
import { type LocateApp, pinApps } from "./pin_apps.ts";
import { type AppPart, planAddApp, planRemoveApp } from "./plan_app.ts";
import { appsInTree } from "./stage_app.ts";

/** What becomes of a machine's applications. */
export interface AppConvergence extends AppPart {
  /** What unpacks them, by the digests of their manifests. */
  readonly images: ReadonlyMap<string, ImageTools>;
  /** A line for each: `web: added`. */
  readonly words: readonly string[];
}

/**
 * Plans what is added, changed and removed. An application whose tree is not there, as that of a machine that was made
 * anew, is added.
 *
 * @param wanted its applications have digests ({@linkcode pinApps}).
 * @returns undefined where nothing differs.
 */
export async function convergeApps(
  host: Host,
  present: MachineSpec,
  wanted: MachineSpec,
  locate: LocateApp,
): Promise<AppConvergence | undefined> {
  const machine = wanted.name;
  const paths = machinePaths(host.root, machine);
  const there = nameExists(paths.tree) ? installedApps(paths.tree) : new Set<string>();
  const gone = present.apps.filter(({ name }) => !wanted.apps.some((app) => app.name === name));
  const changed = wanted.apps.filter((app) => {
    const before = present.apps.find(({ name }) => name === app.name);
    const isSame = before !== undefined && Bun.deepEquals(formatApp(before), formatApp(app));
    return !isSame || !there.has(app.name);
  });
  if (gone.length + changed.length === 0) return undefined;
  const images = new Map<string, ImageTools>();
  const parts = gone.map(({ name }) => planRemoveApp(machine, paths, name, false));
  for (const declared of changed) {
    requireAppChoices(declared);
    const { reference, digest } = declared.image;
    const { found, tools } = await locate(parseImageRef(reference), parseDigest(digest));
    const app = { ...declared, volumes: allVolumes(found.config.volumes, declared.volumes) };
    checkVolumes(app.volumes);
    if (tools !== undefined) images.set(app.image.manifestDigest, tools);
    parts.push(
      planAddApp({
        ...{ machine, paths, app, imageText: found.configText },
        isReplaced: there.has(app.name),
        busybox: await findBusybox(host),
      }),
    );
  }
  const all = (key: keyof AppPart) => parts.flatMap((part) => part[key]);
  return {
    ...{ prepare: all("prepare"), undo: all("undo"), redo: all("redo"), after: all("after") },
    images,
    words: [
      ...gone.map(({ name }) => `${name}: removed; its data stays`),
      ...changed.map(({ name }) => `${name}: ${there.has(name) ? "changed" : "added"}`),
    ],
  };
}

/**
 * What a machine lacks of its applications, as a change: of one that was just made.
 *
 * @returns undefined where it has them all.
 */
export async function missingApps(
  host: Host,
  spec: MachineSpec,
  locate: LocateApp,
): Promise<{ readonly change: Change; readonly images: AppConvergence["images"] } | undefined> {
  const whole = { ...spec, apps: await pinApps(spec.apps, locate) };
  const missing = await convergeApps(host, whole, whole, locate);
  if (missing === undefined) return undefined;
  const { prepare, undo, redo, after, images } = missing;
  const change = { name: spec.name, verb: "app add", prepare, undo, redo: [...redo, ...after] };
  return { change, images };
}

/** The applications whose trees a machine has; it could make folders of any name. */
function installedApps(tree: string): ReadonlySet<string> {
  using root = BoundFolder.open(tree, "");
  using apps = root.find(appsInTree);
  return new Set(apps === undefined ? [] : readdirSync(apps.path));
}
