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
import type { PublishedPort } from "../network/published_port.ts";
import { machinePaths } from "../paths.ts";
import { checkVolumes } from "../render/check_volumes.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { appUnits, unitFolder } from "./app_paths.ts";
import { droppedVariables, requireAppChoices } from "./app_program.ts";
import { BoundFolder } from "./bound_folder.ts";
import { addPublished, setApp, unsetApp } from "./edit_apps.ts";
import { type AppPart, planAddApp, planRemoveApp } from "./plan_app.ts";

/** An application that is added. */
export interface AppAddition {
  readonly app: AppSpec;
  readonly image: MachineImage;
  /** Whether it may take the place of one of its name. */
  readonly mayReplace: boolean;
  /** Ports of the host, added to those that the machine publishes. */
  readonly publish: readonly PublishedPort[];
}

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
 * @throws {MbctlError} as {@linkcode requireRoom}, (usage) for choices that an application cannot have, and (conflict) for a
 * port of the host that is taken.
 */
export async function prepareAddApp(
  host: Host,
  machine: MachineName,
  { app, image, mayReplace, publish }: AppAddition,
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
  const { publish: published, ipv4 } = present.spec;
  const edit = (text: string) => addPublished(setApp(text, app), published, publish);
  const before = present.spec.apps.find(({ name }) => name === app.name);
  const why = [
    ...[app, before].flatMap((one) => hostFolders(one)).slice(0, 1),
    // Without one it has no fixed address for them to lead to.
    ...(publish.length > 0 && ipv4 === undefined ? ["its first published port"] : []),
  ];
  return await joinEdit(host, { machine, verb: "app add", part, edit, why }, warn);
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
  const app = spec.apps.find((one) => one.name === name);
  if (app === undefined) {
    const names = spec.apps.map((one) => one.name);
    throw usageError(
      `Cannot remove the application "${name}" of "${machine}": there is none of that name`,
      names.length === 0 ? `"${machine}" has no applications` : `it has ${names.join(", ")}`,
    );
  }
  const part = planRemoveApp(machine, machinePaths(host.root, machine), name, isWithData);
  const edit = (text: string) => unsetApp(text, name);
  const why = hostFolders(app);
  return await joinEdit(host, { machine, verb: "app remove", part, edit, why }, warn);
}

/** Why a machine has to start anew: systemd-nspawn binds folders of the host when it starts. */
function hostFolders(app: AppSpec | undefined): readonly string[] {
  const hasSome = app?.volumes.some(({ kind }) => kind === "host") === true;
  return hasSome ? ["a folder of the host"] : [];
}

interface AppEdit {
  readonly machine: MachineName;
  readonly verb: string;
  readonly part: AppPart;
  /** Of machine.toml. */
  readonly edit: (text: string) => string;
  /** What of it a machine that runs has to start anew for, if it has to. */
  readonly why: readonly string[];
}

/** The machine's own files change with it, as one change. */
async function joinEdit(
  host: Host,
  { machine, verb, part, edit, why }: AppEdit,
  warn: (text: string) => void,
): Promise<Change> {
  const edited = await planEdit(host, machine, `the applications of "${machine}"`, edit, warn);
  const { storage, appFolder } = machinePaths(host.root, machine);
  const folders = [storage, appFolder].filter((path) => !nameExists(path));
  const files = edited?.restart ?? [];
  if (files.length > 0) {
    const what = (why.length > 0 ? why : files).join(" and ");
    warn(`"${machine}" has to start anew for ${what}: mbctl machines restart ${machine}`);
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
