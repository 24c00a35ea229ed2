/**
 * The tables `[[apps]]` and `[os]` of machine.toml.
 *
 * @module
 */

import { invalidToml } from "../config/toml.ts";
import { unknownDigest } from "../image/digest.ts";
import { type AppDeclaration, appRestart } from "./app_spec.ts";
import { parseAppName } from "./app_name.ts";
import type { MachineToml } from "./machine_schema.ts";
import type { OsChoice } from "./machine_spec.ts";
import { formatRestartPolicy } from "./restart_policy.ts";
import { imageTable, programKeys, programTables, readProgram } from "./program_toml.ts";

/**
 * @param file the file's name, for messages.
 * @throws {MbctlError} (usage) with file, key, and what was expected; also for two of one name.
 */
export function readApps(toml: MachineToml["apps"], file: string): AppDeclaration[] {
  const apps = toml.map((app) => readApp(app, file));
  const twice = apps.find(({ name }, index) => apps.findIndex((app) => app.name === name) < index);
  if (twice !== undefined) {
    throw invalidToml(file, `two of [[apps]] have the name "${twice.name}"`);
  }
  return apps;
}

function readApp(toml: MachineToml["apps"][number], file: string): AppDeclaration {
  return {
    name: parseAppName(toml.name),
    isStarted: toml.start,
    ...readProgram(toml, file, `apps.${toml.name}.`),
    ...(toml.restart === undefined ? { restart: appRestart } : {}),
  };
}

/** The inverse of {@linkcode readApps}, for one of them. Digests that nobody knows are left out. */
export function formatApp(app: AppDeclaration): Record<string, unknown> {
  const { reference, digest } = app.image;
  const { restart: _, ...keys } = programKeys(app);
  const restart = formatRestartPolicy(app.restart);
  return {
    name: app.name,
    ...(app.isStarted ? {} : { start: false }),
    ...keys,
    ...(restart === formatRestartPolicy(appRestart) ? {} : { restart }),
    ...(app.isReadOnly ? { read_only: true } : {}),
    ...imageTable(
      digest === unknownDigest
        ? { reference, digest: undefined, manifestDigest: undefined }
        : app.image,
    ),
    ...(app.environment.length === 0 ? {} : { env: Object.fromEntries(app.environment) }),
    ...programTables(app),
  };
}

/** The schema has looked at each value. */
export function readOs({ mirror, packages, user }: NonNullable<MachineToml["os"]>): OsChoice {
  const [name = "", uid] = user?.split(":") ?? [];
  return {
    ...(mirror === undefined ? {} : { mirror }),
    packages,
    ...(user === undefined
      ? {}
      : { user: { name, ...(uid === undefined ? {} : { uid: Number(uid) }) } }),
  };
}

/** The inverse of {@linkcode readOs}. */
export function formatOs({ mirror, packages, user }: OsChoice): Record<string, unknown> {
  return {
    ...(mirror === undefined ? {} : { mirror }),
    ...(packages.length === 0 ? {} : { packages }),
    ...(user === undefined
      ? {}
      : { user: user.uid === undefined ? user.name : `${user.name}:${user.uid}` }),
  };
}
