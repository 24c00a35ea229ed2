/**
 * What an application runs as: its words, its user, its variables. Pure.
 *
 * @module
 */

import { DEFAULT_PATH } from "../env/split_environment.ts";
import type { EnvEntry } from "../env/env_entry.ts";
import { MbctlError, usageError } from "../errors.ts";
import type { ImageConfig } from "../image/config.ts";
import { connectorsInMachine } from "../paths.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import { findUser, type UserFiles, type UserIds } from "../watch/image_user.ts";
import { isSystemdVariable } from "./systemd_value.ts";

/** An application's program, with all that its image says about it looked up. */
export interface AppProgram {
  /** As the program sees them: argv. */
  readonly words: readonly string[];
  /** The program's file, as the application names it. */
  readonly path: string;
  readonly user: UserIds;
  /** Its whole environment, but for what systemd adds. */
  readonly environment: readonly EnvEntry[];
  readonly workingDirectory: string;
}

/** Whether the application's tree has a program of that path. */
export type FindFile = (path: string) => boolean;

/** The variables of an application: the image's, then the user's; HOME and USER by its passwd where nobody sets them. */
function appEnvironment(
  app: Pick<AppSpec, "environment">,
  image: Pick<ImageConfig, "env">,
  home: string,
  userName: string | undefined,
): EnvEntry[] {
  const found: readonly EnvEntry[] = [
    ["PATH", DEFAULT_PATH],
    ["HOME", home],
    ...(userName === undefined ? [] : [["USER", userName] as const]),
    ["MBCTL_CONNECTOR_DIR", connectorsInMachine],
  ];
  return [...new Map([...found, ...image.env, ...app.environment])];
}

/**
 * Looks up all that an application's program is started with.
 *
 * @param words argv, the program first.
 * @throws {MbctlError} (usage) for a program, a user or a group that the image does not have.
 */
export function appProgram(
  app: Pick<AppSpec, "name" | "environment" | "user" | "workingDirectory">,
  image: ImageConfig,
  words: readonly string[],
  files: UserFiles,
  isProgram: FindFile,
): AppProgram {
  const { home, ...user } = findUser(app.user ?? image.user, files, "image");
  const environment = appEnvironment(app, image, home, nameOf(user.uid, files));
  const path = environment.findLast(([name]) => name === "PATH")?.[1] ?? DEFAULT_PATH;
  const workingDirectory = app.workingDirectory ?? image.workingDir;
  return {
    words,
    path: findProgram(words[0] ?? "", path, workingDirectory, isProgram),
    user,
    environment,
    workingDirectory,
  };
}

/** As execvp(3) does, but in the application's tree. */
export function findProgram(
  word: string,
  path: string,
  workingDirectory: string,
  isProgram: FindFile,
): string {
  const absolute = (file: string) => (file.startsWith("/") ? file : join(workingDirectory, file));
  const candidates = word.includes("/")
    ? [absolute(word)]
    : path.split(":").map((folder) => join(absolute(folder === "" ? "." : folder), word));
  const found = word === "" ? undefined : candidates.find(isProgram);
  if (found !== undefined) return found;
  throw usageError(
    `Cannot run the program ${JSON.stringify(word)}: ${word.includes("/") ? "the image has no such program" : `the image has none in ${path}`}`,
    "name another one with --entrypoint",
  );
}

/** Without `.` and doubled slashes; `..` stays, for a link may stand before it. */
function join(folder: string, file: string): string {
  return `/${`${folder}/${file}`
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`;
}

function nameOf(uid: number, { passwd }: UserFiles): string | undefined {
  const entry = passwd.split("\n").find((line) => Number(line.split(":")[2] || "x") === uid);
  return entry?.split(":")[0] || undefined;
}

/** Variables that systemd would set where the application does not: a container has none of them. */
const systemdVariables = ["LANG", "LOGNAME", "SHELL", "USER"];

/** Those of them that are to be taken away again. */
export function foreignVariables(environment: readonly EnvEntry[]): string[] {
  return systemdVariables.filter((name) => !environment.some(([own]) => own === name));
}

/** The variables that no service can have: systemd leaves out names that no shell could set. */
export function droppedVariables(environment: readonly EnvEntry[]): string[] {
  return environment.map(([name]) => name).filter((name) => !isSystemdVariable(name));
}

/** @throws {MbctlError} (usage) for a choice that an application in a machine cannot have. */
export function requireAppChoices(app: AppSpec): void {
  if (app.limits.disk === undefined) return;
  throw new MbctlError(
    "usage",
    `Cannot limit the disk of the application "${app.name}": its tree is a part of its machine's`,
    { hint: "limit that of the machine: disk in its table [limits]" },
  );
}
