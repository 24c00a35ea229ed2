/**
 * `oci-APP.service`: an application as a service of its machine (systemd.service(5), systemd.exec(5)).
 *
 * @module
 */

import {
  formatUnitFile,
  type UnitItem,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "../nspawn/unit_file.ts";
import type { ImageConfig } from "../image/config.ts";
import { connectorsInMachine } from "../paths.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { Volume } from "../spec/machine_spec.ts";
import type { RestartPolicy } from "../spec/restart_policy.ts";
import { outerFirst } from "../spec/volume.ts";
import type { UserIds } from "../watch/image_user.ts";
import { appPaths, appUnits, volumeFolder } from "./app_paths.ts";
import { type AppProgram, foreignVariables } from "./app_program.ts";
import { sandboxItems } from "./sandbox.ts";
import { formatPath, formatProgramPath, quoteExecWord, quotePathField } from "./systemd_value.ts";

export const renderedComment =
  "Rendered by mbctl from machine.toml and the image's configuration, and again when these change.\nYour own settings: systemctl edit in the machine.";

/** Docker's time before it kills. */
const defaultStopSec = 10;

/** Renders `oci-APP.service`. */
export function renderAppService(
  app: AppSpec,
  image: ImageConfig,
  program: AppProgram,
  hasHealthCheck: boolean,
): string {
  const { userService, logSocket, logService, healthTimer } = appUnits(app.name);
  const needs = [logSocket, ...(isRoot(program.user) ? [] : [userService])];
  const { log } = appPaths(app.name);
  return formatUnitFile([
    unitComment(renderedComment),
    unitSection("Unit"),
    unitEntry("Description", `${app.name} (${app.image.reference.replaceAll("%", "%%")})`),
    unitComment("Its output is read for as long as it runs, and after it."),
    unitEntry("Requires", needs.join(" ")),
    unitEntry("After", [...needs, logService, "network.target"].join(" ")),
    ...(hasHealthCheck ? [unitEntry("Wants", healthTimer)] : []),
    ...startLimitItems(app.restart),
    unitBlank(),
    unitSection("Service"),
    unitEntry("Type", "exec"),
    ...execItems(app, program),
    unitEntry("ExecStart", execLine(app.isStarted ? program : standIn)),
    unitComment(
      "A pipe, which a program can open by the name /dev/stdout as well: it cannot open a socket of the journal.",
    ),
    unitEntry("StandardOutput", `file:${log}`),
    unitEntry("StandardError", "inherit"),
    unitEntry("KillMode", "mixed"),
    unitEntry(
      "KillSignal",
      // What stands in for it knows no other: it would count as failed.
      app.isStarted ? (app.stopSignal ?? image.stopSignal ?? "SIGTERM") : "SIGTERM",
    ),
    unitEntry("TimeoutStopSec", `${app.stopTimeoutSec ?? defaultStopSec}s`),
    ...restartItems(app.restart),
    ...limitItems(app.limits),
    ...sandboxItems(app, program.user.uid, writableFolders(app.volumes)),
    unitBlank(),
    unitSection("Install"),
    unitEntry("WantedBy", "multi-user.target"),
  ]);
}

/** `:` keeps `$` from being expanded, `@` makes the second word argv[0]. */
export function execLine({ path, words }: Pick<AppProgram, "path" | "words">): string {
  return `:@${[formatProgramPath(path), ...words.map(quoteExecWord)].join(" ")}`;
}

/** The busybox of an application that lends commands, as it sees it. */
export const innerBusybox = "/run/mbctl/busybox";

/** What keeps an application there that is not started: its commands run beside it. */
const standIn = { path: innerBusybox, words: ["busybox", "sleep", "2147483647"] };

/** Whether commands of it can be lent. */
export function isLender({ isStarted, lend }: Pick<AppSpec, "isStarted" | "lend">): boolean {
  return !isStarted || Object.keys(lend).length > 0;
}

/** What the application and its health check have in common: root, volumes, user, variables. */
export function execItems(app: AppSpec, program: AppProgram): UnitItem[] {
  const { user, environment, workingDirectory } = program;
  const paths = appPaths(app.name);
  const foreign = foreignVariables(environment);
  return [
    unitEntry("RootDirectory", paths.root),
    unitEntry("MountAPIVFS", "yes"),
    unitComment("What the image keeps there is its own."),
    unitEntry("BindPaths", `${paths.run}:/run`),
    unitComment("Names are looked up as the machine does it."),
    unitEntry("BindReadOnlyPaths", "-/etc/resolv.conf -/etc/hosts"),
    unitComment("Commands of other machines that this one was given."),
    unitEntry("BindReadOnlyPaths", `-${connectorsInMachine}`),
    ...(isLender(app) ? [unitEntry("BindReadOnlyPaths", `${paths.busybox}:${innerBusybox}`)] : []),
    ...outerFirst(app.volumes)
      .filter((volume) => !isInside(volume, app.volumes))
      .flatMap((volume) => volumeItems(app, volume)),
    unitEntry("WorkingDirectory", formatPath(workingDirectory)),
    ...userItems(user),
    unitEntry("EnvironmentFile", paths.environment),
    ...(foreign.length === 0 ? [] : [unitEntry("UnsetEnvironment", foreign.join(" "))]),
    unitEntry("IgnoreSIGPIPE", "no"),
  ];
}

/**
 * With User=0 and NoNewPrivileges=, systemd 257 and later take CAP_SETUID away, and with it the way to step down that many
 * images go. Without User= they do not.
 */
function userItems(user: UserIds): UnitItem[] {
  if (isRoot(user)) return [];
  return [
    unitComment("Numbers of the image's own passwd and group."),
    ...(user.uid === 0 ? [] : [unitEntry("User", `${user.uid}`)]),
    unitEntry("Group", `${user.gid}`),
    ...(user.groups.length === 0 ? [] : [unitEntry("SupplementaryGroups", user.groups.join(" "))]),
  ];
}

/** Whether it needs no user that the machine may not know. */
function isRoot({ uid, gid, groups }: UserIds): boolean {
  return uid === 0 && gid === 0 && groups.every((group) => group === 0);
}

/**
 * Whether a volume lies in the folder of another one, which shows it already. Mounted by itself it would be reached by a
 * path on which the application may put a link.
 */
function isInside({ kind, path }: Volume, volumes: readonly Volume[]): boolean {
  return volumes.some((outer) => outer.kind === kind && path.startsWith(`${outer.path}/`));
}

function volumeItems({ name }: AppSpec, volume: Volume): UnitItem[] {
  const target = quotePathField(volume.path);
  const { kind, path } = volume;
  if (kind === "skip") return [];
  if (kind === "tmpfs") {
    const options = [
      `mode=${(volume.mode ?? 0o1777).toString(8)}`,
      ...(volume.sizeBytes === undefined ? [] : [`size=${volume.sizeBytes}`]),
    ];
    return [unitEntry("TemporaryFileSystem", `${target}:${options.join(",")}`)];
  }
  const key = volume.isReadOnly === true ? "BindReadOnlyPaths" : "BindPaths";
  return [unitEntry(key, `${quotePathField(volumeFolder(name, kind, path))}:${target}`)];
}

/** What stays writable in a read-only root. */
function writableFolders(volumes: readonly Volume[]): string[] {
  const own = volumes.filter(({ kind, isReadOnly }) => kind !== "skip" && isReadOnly !== true);
  return ["/run", "/tmp", "/var/tmp", ...own.map(({ path }) => path)].map((path) =>
    path === "/var/tmp" ? `-${path}` : quotePathField(path),
  );
}

/** systemd's own limit of starts would leave a program dead that crashes often. */
function startLimitItems({ when, retries }: RestartPolicy): UnitItem[] {
  if (retries === undefined) return when === "no" ? [] : [unitEntry("StartLimitIntervalSec", "0")];
  return [
    unitComment(`Gives up after ${retries} restarts; systemctl reset-failed lets it begin anew.`),
    unitEntry("StartLimitIntervalSec", "infinity"),
    unitEntry("StartLimitBurst", `${retries + 1}`),
  ];
}

function restartItems({ when }: RestartPolicy): UnitItem[] {
  if (when === "no") return [];
  return [
    unitEntry("Restart", when === "on-failure" ? "on-failure" : "always"),
    unitEntry("RestartSec", "2s"),
  ];
}

function limitItems({ memory, cpus, tasks, ioWeight, openFiles }: AppSpec["limits"]): UnitItem[] {
  const entry = (key: string, value: number | string | undefined) =>
    value === undefined ? [] : [unitEntry(key, String(value))];
  const quota = cpus === undefined ? undefined : `${Math.max(1, Math.round(cpus * 100))}%`;
  return [
    ...entry("MemoryMax", memory),
    // As much again, as podman's --memory has it.
    ...entry("MemorySwapMax", memory),
    ...entry("CPUQuota", quota),
    ...entry("TasksMax", tasks),
    ...entry("IOWeight", ioWeight),
    ...entry("LimitNOFILE", openFiles),
    unitComment("A process that runs out of memory ends alone, as in a container."),
    unitEntry("OOMPolicy", "continue"),
  ];
}
