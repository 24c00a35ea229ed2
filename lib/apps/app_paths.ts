/**
 * Where everything of an application lies in its machine, and what its units are called.
 *
 * @module
 */

import type { AppName } from "../spec/app_name.ts";

/** The folder of all applications, as the machine names it. */
export const appsFolder = "/oci/apps";

/** Where the storage folder of the machine and the folder `apps` of its configuration are bound. */
export const boundFolders = { data: "/oci/storage", config: "/oci/config" } as const;

/** Where a machine's service manager finds units that were put there by hand. */
export const unitFolder = "/etc/systemd/system";

/** Where the link is that starts an application with its machine. */
export const wantsFolder = `${unitFolder}/multi-user.target.wants`;

/** Paths as the machine names them. */
export interface AppPaths {
  readonly folder: string;
  readonly root: string;
  /** What it has at /run. */
  readonly run: string;
  /** Static, for one that lends commands. */
  readonly busybox: string;
  /** Variables, 0600. */
  readonly environment: string;
  /** The image's configuration, verbatim. */
  readonly image: string;
  /** What the application is declared to be, for those who look into the machine. */
  readonly declaration: string;
  readonly check: string;
  /** The pipe that is its standard output. */
  readonly log: string;
  /** What the last health check found. */
  readonly health: string;
}

/** The paths of an application. */
export function appPaths(name: AppName): AppPaths {
  const folder = `${appsFolder}/${name}`;
  return {
    folder,
    root: `${folder}/root`,
    run: `${folder}/run`,
    busybox: `${folder}/busybox`,
    environment: `${folder}/env`,
    image: `${folder}/image.json`,
    declaration: `${folder}/app.toml`,
    check: `${folder}/check`,
    log: `/run/oci/${name}/log`,
    health: `/run/oci/${name}/health`,
  };
}

/** Names of units. */
export interface AppUnits {
  readonly service: string;
  readonly userService: string;
  readonly logSocket: string;
  readonly logService: string;
  readonly healthService: string;
  readonly healthTimer: string;
  readonly probeService: string;
}

/** The units of an application. */
export function appUnits(name: AppName): AppUnits {
  const unit = `oci-${name}`;
  return {
    service: `${unit}.service`,
    userService: `${unit}-user.service`,
    logSocket: `${unit}-log.socket`,
    logService: `${unit}-log.service`,
    healthService: `${unit}-health.service`,
    healthTimer: `${unit}-health.timer`,
    probeService: `${unit}-probe.service`,
  };
}

/** Where a volume of an application lies in the machine; a folder of the host is bound there when the machine starts. */
export function volumeFolder(
  name: AppName,
  kind: "data" | "config" | "host",
  path: string,
): string {
  return kind === "host" ? `/oci/volumes/${name}${path}` : `${boundFolders[kind]}/${name}${path}`;
}
