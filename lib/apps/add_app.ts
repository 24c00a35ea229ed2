/**
 * Applications into a machine that is there, and out of it: as changes of the machine.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import { type PresentMachine, readPresentMachine } from "../change/present_machine.ts";
import { planEdit } from "../declare/plan_edit.ts";
import { MbctlError, usageError } from "../errors.ts";
import { findBusybox } from "../host/busybox.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import type { MachineImage } from "../image/found_image.ts";
import { machinePaths } from "../machine/paths.ts";
import { checkVolumes } from "../steps/plan_pull.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { appUnits, unitFolder } from "./app_paths.ts";
import { droppedVariables, requireAppChoices } from "./app_program.ts";
import { BoundFolder } from "./bound_folder.ts";
import { setApp, unsetApp } from "./edit_apps.ts";
import { type AppPart, planAddApp, planRemoveApp } from "./plan_app.ts";

/** What an application is declared to be, before its image was looked at. */
export type AppRequest = Omit<AppSpec, "image">;

/**
 * Wants a machine to take an application of that name.
 *
 * @throws {MbctlError} (usage) when it is no whole system, (conflict) when the name is in use.
 */
export function requireRoom(
  host: Host,
  machine: MachineName,
  name: AppName,
  mayReplace: boolean,
): PresentMachine {
  const present = readPresentMachine(host, machine);
  if (present.spec.mode !== "base") {
    throw usageError(
      `Cannot add an application to "${machine}": it is no whole system, its mode is "${present.spec.mode}"`,
      `mbctl machines pull --mode app --base BASE IMAGE NAME makes a machine with an application`,
    );
  }
  const isThere = present.spec.apps.some((app) => app.name === name);
  if (isThere && !mayReplace) {
    throw new MbctlError(
      "conflict",
      `Cannot add the application "${name}" to "${machine}": there is one of that name`,
      { hint: "--replace gives it the new image and keeps its data; --name NAME adds another one" },
    );
  }
  const { tree } = machinePaths(host.root, machine);
  using root = BoundFolder.open(tree, "");
  using systemd = root.find("usr/lib/systemd") ?? root.find("lib/systemd");
  if (systemd?.has("systemd") !== true) {
    throw usageError(
      `Cannot add an application to "${machine}": it has no systemd to run it`,
      "applications are services of systemd: take a machine that boots it",
    );
  }
  using units = root.find(unitFolder.slice(1));
  const { service } = appUnits(name);
  if (!isThere && units?.has(service) === true) {
    throw new MbctlError(
      "conflict",
      `Cannot add the application "${name}" to "${machine}": the machine has a unit ${service} of its own`,
      { hint: "choose another name: --name NAME" },
    );
  }
  return present;
}

/**
 * Plans an application into a machine: its parts, and machine.toml.
 *
 * @throws {MbctlError} as {@linkcode requireRoom}, and (usage) for choices that an application cannot have.
 */
export async function prepareAddApp(
  host: Host,
  machine: MachineName,
  app: AppSpec,
  image: MachineImage,
  mayReplace: boolean,
  warn: (text: string) => void,
): Promise<Change> {
  const present = requireRoom(host, machine, app.name, mayReplace);
  requireAppChoices(app);
  checkVolumes(app.volumes);
  for (const name of droppedVariables([...image.config.env, ...app.environment])) {
    warn(
      `the application "${app.name}" does not get the variable ${JSON.stringify(name)}: systemd passes on no such name`,
    );
  }
  const part = planAddApp({
    machine,
    paths: machinePaths(host.root, machine),
    app,
    imageText: image.configText,
    isReplaced: present.spec.apps.some(({ name }) => name === app.name),
    busybox: await findBusybox(host),
  });
  const verb = "app add";
  return await joinEdit(host, machine, verb, part, (text) => setApp(text, app), warn);
}

/**
 * Plans the removal of an application.
 *
 * @throws {MbctlError} (usage) when the machine has none of that name.
 */
export async function prepareRemoveApp(
  host: Host,
  machine: MachineName,
  name: AppName,
  isWithData: boolean,
  warn: (text: string) => void,
): Promise<Change> {
  const { spec } = readPresentMachine(host, machine);
  if (!spec.apps.some((app) => app.name === name)) {
    const names = spec.apps.map((app) => app.name);
    throw usageError(
      `Cannot remove the application "${name}" of "${machine}": there is none of that name`,
      names.length === 0 ? `"${machine}" has no applications` : `it has ${names.join(", ")}`,
    );
  }
  const part = planRemoveApp(machine, machinePaths(host.root, machine), name, isWithData);
  return await joinEdit(host, machine, "app remove", part, (text) => unsetApp(text, name), warn);
}

/** The machine's own files change with it, as one change. */
async function joinEdit(
  host: Host,
  machine: MachineName,
  verb: string,
  part: AppPart,
  edit: (text: string) => string,
  warn: (text: string) => void,
): Promise<Change> {
  const edited = await planEdit(host, machine, `the applications of "${machine}"`, edit, warn);
  const { storage, appFolder } = machinePaths(host.root, machine);
  const folders = [storage, appFolder].filter((path) => !nameExists(path));
  if ((edited?.restart.length ?? 0) > 0) {
    warn(
      `"${machine}" has to start anew for a folder of the host: mbctl machines restart ${machine}`,
    );
  }
  return {
    name: machine,
    verb,
    prepare: [
      ...folders.map((path) => ({ kind: "make-directory", path, mode: 0o755 }) as const),
      ...part.prepare,
      ...(edited?.change?.prepare ?? []),
    ],
    undo: [...part.undo, ...(edited?.change?.undo ?? [])],
    redo: [...part.redo, ...(edited?.change?.redo ?? []), ...part.after],
  };
}
