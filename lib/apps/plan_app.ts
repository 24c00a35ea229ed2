/**
 * Adding and removing applications, as parts of a change of their machine. Pure.
 *
 * @module
 */

import { join } from "node:path";
import type { ChangePart } from "../change/plan_files.ts";
import { appliedPaths, type MachinePaths } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { appUnits } from "./app_paths.ts";
import { isLender } from "./app_service.ts";

/** A change of an application: what is done before and after the machine's own files change. */
export interface AppPart extends ChangePart {
  /** When all is in its place: the machine's systemd is told. */
  readonly after: readonly Step[];
}

export interface AppPlan {
  readonly machine: MachineName;
  readonly paths: MachinePaths;
  readonly app: AppSpec;
  /** The image's configuration, verbatim. */
  readonly imageText: string;
  /** Whether there is one of that name, which it replaces. */
  readonly isReplaced: boolean;
  /** The host's static busybox. */
  readonly busybox: string;
}

/** The configuration of an application's image, where no machine can write: for those who ask on the host. */
export function appImageFile(configuration: string, name: AppName): string {
  return join(appliedPaths(configuration).folder, `app-${name}.json`);
}

/** Plans an application that is new, or takes the place of one. */
export function planAddApp({
  machine,
  paths,
  app,
  imageText,
  isReplaced,
  busybox,
}: AppPlan): AppPart {
  const place = placeOf(paths);
  const units = appUnits(app.name);
  const stop = [units.service, units.healthTimer, units.logService, units.logSocket];
  const imageFile = appImageFile(paths.configuration, app.name);
  const stagedImage = `${imageFile}.mbctl-next`;
  const bound = app.volumes.flatMap((volume) => (volume.kind === "host" ? [volume.source] : []));
  return {
    prepare: [
      // Without them the whole machine would not start.
      ...bound.map((path) => ({ kind: "make-directory", path, mode: 0o755 }) as const),
      { kind: "write-file", path: stagedImage, text: imageText, mode: 0o600 },
      {
        kind: "stage-app",
        place,
        app,
        imageText,
        ...(isLender(app) ? { busybox } : {}),
      },
    ],
    undo: [
      { kind: "remove", path: stagedImage },
      { kind: "clear-app", place, name: app.name },
    ],
    redo: [
      ...(isReplaced
        ? [{ kind: "app-systemctl", machine, commands: [["stop", ...stop]] } as const]
        : []),
      { kind: "place-app", place, app },
      { kind: "replace", from: stagedImage, to: imageFile },
    ],
    after: [
      {
        kind: "app-systemctl",
        machine,
        commands: [["daemon-reload"], ["--no-block", "start", units.service]],
      },
    ],
  };
}

/** Plans the removal of an application. */
export function planRemoveApp(
  machine: MachineName,
  paths: MachinePaths,
  name: AppName,
  isWithData: boolean,
): AppPart {
  const place = placeOf(paths);
  const units = appUnits(name);
  const all = Object.values(units);
  return {
    prepare: [],
    undo: [],
    redo: [
      {
        kind: "app-systemctl",
        machine,
        // What asks and what reads ends last, so that the last words are read.
        commands: [
          ["stop", units.healthTimer, units.service],
          ["stop", ...all],
        ],
      },
      { kind: "remove-app", place, name, isWithData },
      { kind: "remove", path: appImageFile(paths.configuration, name) },
    ],
    after: [
      {
        kind: "app-systemctl",
        machine,
        commands: [["daemon-reload"], ["reset-failed", ...all]],
      },
    ],
  };
}

function placeOf({ tree, storage, appFolder }: MachinePaths) {
  return { tree, storage, appFolder };
}
