/**
 * What of the host a machine finds at paths of its own. Pure.
 *
 * @module
 */

import { boundFolders, volumeFolder } from "../apps/app_paths.ts";
import { connectorBinds } from "../connector/connector_paths.ts";
import { ENV_FILE_PATH } from "../init/init_files.ts";
import type { NspawnBind, NspawnTmpfs } from "../nspawn/render.ts";
import { deviceNodes } from "../nspawn/unit_devices.ts";
import { host0NetworkPath } from "../os/host0_network.ts";
import { secretBinds } from "../secrets/delivery.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineSpec, Volume } from "../spec/machine_spec.ts";
import { outerFirst, volumeSource } from "../spec/volume.ts";
import { type MachinePaths, machinePaths } from "../paths.ts";

/** All binds of a machine; those of folders are id-mapped: its root is root in them. */
export function machineBinds(spec: MachineSpec, hasNetworkFile: boolean): NspawnBind[] {
  const paths = machinePaths("/", spec.name);
  return [
    ...(spec.mode === "base" ? systemBinds(paths, hasNetworkFile) : programBinds(spec, paths)),
    ...connectorBinds(spec),
    ...outerFirst(spec.volumes).flatMap((volume) => {
      const source = volumeSource(paths, volume);
      return source === undefined ? [] : [bind(source, volume.path, volume.isReadOnly)];
    }),
    ...spec.apps.flatMap(appBinds),
    ...deviceNodes(spec.name, spec.devices).map(({ source, target }) => ({
      source,
      target,
      isIdmapped: false,
      isReadOnly: false,
    })),
  ];
}

/** Folders of the host that an application has; all else of it lies in the machine's own. */
function appBinds({ name, volumes }: AppSpec): NspawnBind[] {
  return volumes.flatMap((volume) =>
    volume.kind === "host"
      ? [bind(volume.source, volumeFolder(name, "host", volume.path), volume.isReadOnly)]
      : [],
  );
}

/** What man8s-init needs. */
function programBinds(spec: MachineSpec, paths: MachinePaths): NspawnBind[] {
  return [bind(paths.envFile, ENV_FILE_PATH), ...secretBinds(spec.name, spec.secrets)];
}

/** A whole system: applications are added while it runs, so their folders are there from the start. */
function systemBinds(paths: MachinePaths, hasNetworkFile: boolean): NspawnBind[] {
  return [
    ...(hasNetworkFile ? [bind(paths.networkFile, host0NetworkPath, true)] : []),
    bind(paths.storage, boundFolders.data),
    bind(paths.appFolder, boundFolders.config),
  ];
}

/** The folders of the host that a machine may write to, by itself or by one of its applications. */
export function volumeSources({ name, mode, volumes, apps }: MachineSpec): string[] {
  const paths = machinePaths("/", name);
  return [
    ...(mode === "base" ? [paths.storage, paths.appFolder] : []),
    ...volumes.flatMap((volume) => volumeSource(paths, volume) ?? []),
    ...apps.flatMap((app) => app.volumes.flatMap(hostSource)),
  ];
}

function hostSource(volume: Volume): string[] {
  return volume.kind === "host" ? [volume.source] : [];
}

function bind(source: string, target: string, isReadOnly = false): NspawnBind {
  return { source, target, isIdmapped: true, isReadOnly };
}

/** podman's modes: everybody may write, whoever the program is. */
const TMPFS_MODE = 0o1777;

/** What a machine has in memory. */
export function machineTmpfs({ volumes, isReadOnly }: MachineSpec): NspawnTmpfs[] {
  const chosen = outerFirst(volumes).flatMap((volume): NspawnTmpfs[] =>
    volume.kind === "tmpfs"
      ? [{ target: volume.path, mode: volume.mode ?? TMPFS_MODE, sizeBytes: volume.sizeBytes }]
      : [],
  );
  const isKept = volumes.some(({ path, kind }) => path === "/var/tmp" && kind !== "skip");
  // As podman does; nspawn itself has one on /run and /tmp.
  return isReadOnly && !isKept ? [...chosen, { target: "/var/tmp", mode: TMPFS_MODE }] : chosen;
}
