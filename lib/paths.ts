/**
 * Where everything of a machine lies (CONTRIBUTING.md, "On disk").
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { type MachineName, machineUnit } from "./spec/machine_name.ts";

/** In a machine: a folder for each machine whose commands it may run. MBCTL_CONNECTOR_DIR names it. */
export const connectorsInMachine = "/connectors";

/** The folders that hold machines, below the root given. */
export interface Folders {
  readonly trees: string;
  readonly configurations: string;
  readonly storage: string;
  readonly nspawn: string;
  readonly machines: string;
  readonly units: string;
  readonly cache: string;
  readonly locks: string;
  readonly hostConfiguration: string;
  /** Templates of the administrator's own. */
  readonly templates: string;
  /** Names of machines of other hosts, one file for each host. */
  readonly importedNames: string;
  /** What mbctl keeps of the host as a whole: the rendered firewall, what `host setup` did. */
  readonly state: string;
}

/** The folders below `root` ("/" on a live host, `--root DIR` elsewhere). */
export function foldersBelow(root: string): Folders {
  return {
    trees: join(root, "var/lib/man8machines"),
    configurations: join(root, "var/lib/man8machine_configs"),
    storage: join(root, "var/lib/man8machine_storage"),
    nspawn: join(root, "etc/systemd/nspawn"),
    machines: join(root, "var/lib/machines"),
    units: join(root, "etc/systemd/system"),
    cache: join(root, "var/cache/mbctl"),
    // Not in /run/lock, where any user may have made the folder before us, with links in it.
    locks: join(root, "run/mbctl/lock"),
    hostConfiguration: join(root, "etc/mbctl/config.toml"),
    templates: join(root, "etc/mbctl/templates"),
    importedNames: join(root, "etc/mbctl/names"),
    state: join(root, "var/lib/mbctl"),
  };
}

/**
 * The paths of one machine. Names that begin with `.mbctl-` are ours while work
 * is under way; no machine can be called so, as no name begins with a dot.
 */
export interface MachinePaths {
  readonly tree: string;
  readonly configuration: string;
  readonly machineToml: string;
  readonly nspawn: string;
  readonly envFile: string;
  /** Of a whole system: what its systemd-networkd reads. */
  readonly networkFile: string;
  /** Of a whole system: the "config" volumes of its applications. */
  readonly appFolder: string;
  /** What mbctl last rendered, verbatim: the base of three-way merges. Root's alone. */
  readonly applied: AppliedPaths;
  readonly storage: string;
  /** Link in /etc/systemd/nspawn to {@linkcode nspawn}. */
  readonly nspawnLink: string;
  /** Link in /var/lib/machines to {@linkcode tree}: made last, it is the commit. */
  readonly machineLink: string;
  readonly unitDropInFolder: string;
  readonly unitDropIn: string;
  /** What `systemctl enable` makes: the machine starts at boot. */
  readonly bootLink: string;
  /** Says that a machine was stopped by hand, and that its boot entry comes back when it is started. */
  readonly stoppedMarker: string;
  readonly lock: string;
  /** Says that a pull is under way, and what to take back if it was killed. */
  readonly pullMarker: string;
  /** Says that a removal is under way, and what is left to remove. */
  readonly removeMarker: string;
  /** The journal of a change that is under way: see lib/change. */
  readonly changeMarker: string;
  readonly stagedTree: string;
  readonly stagedConfiguration: string;
  readonly stagedStorage: string;
  /** Where a change puts what it takes away, until it is removed. */
  readonly oldTree: string;
  readonly oldConfiguration: string;
  readonly oldStorage: string;
  readonly snapshots: SnapshotFolders;
}

/**
 * The folders of a machine's snapshots: each part lies beside what it is of, so that it comes and goes by
 * renames, whichever file systems these are.
 */
export interface SnapshotFolders {
  readonly trees: string;
  readonly configurations: string;
  readonly storage: string;
}

/** The hidden folder in a machine's configuration. */
export interface AppliedPaths {
  readonly folder: string;
  readonly machineToml: string;
  readonly nspawn: string;
  readonly envFile: string;
  readonly unitDropIn: string;
  /** The image's configuration, as the registry has it. */
  readonly image: string;
  /** All drop-ins of the machine's unit, the administrator's too, as they were at its last start. */
  readonly units: string;
  /** Encrypted secrets, `KEY.cred`. */
  readonly secrets: string;
}

/** The hidden folder of a configuration folder, which may be a staged one or that of a snapshot. */
export function appliedPaths(configuration: string): AppliedPaths {
  const folder = join(configuration, ".mbctl");
  return {
    folder,
    machineToml: join(folder, "machine.toml"),
    nspawn: join(folder, "container.nspawn"),
    envFile: join(folder, "man8env.env"),
    unitDropIn: join(folder, "unit.conf"),
    image: join(folder, "image.json"),
    units: join(folder, "unit.d"),
    secrets: join(folder, "secrets"),
  };
}

/** Whether a drop-in follows from all machines of a host: `65-mbctl-health.conf`, not `50-mbctl.conf`. */
export function isDerivedDropIn(name: string): boolean {
  return /^\d+-mbctl-/.test(name);
}

/** The encrypted value of one secret. */
export function secretFile({ applied }: MachinePaths, secret: string): string {
  return join(applied.secrets, `${secret}.cred`);
}

/**
 * The hidden name under which the write of a file or link is prepared: known by
 * name, so that the next run overwrites or removes it.
 */
export function stagedName(path: string): string {
  return join(dirname(path), `.${basename(path)}.mbctl-new`);
}

/** The hidden name of a file that is prepared to take the place of another when a change is committed. */
export function nextName(path: string): string {
  return join(dirname(path), `.${basename(path)}.mbctl-next`);
}

/** The paths of the machine `name` below `root`. */
export function machinePaths(root: string, name: MachineName): MachinePaths {
  const folders = foldersBelow(root);
  const configuration = join(folders.configurations, name);
  const unitDropInFolder = join(folders.units, `${machineUnit(name)}.d`);
  return {
    tree: join(folders.trees, name),
    configuration,
    machineToml: join(configuration, "machine.toml"),
    nspawn: join(configuration, "container.nspawn"),
    envFile: join(configuration, "man8env.env"),
    networkFile: join(configuration, "host0.network"),
    appFolder: join(configuration, "apps"),
    applied: appliedPaths(configuration),
    storage: join(folders.storage, name),
    nspawnLink: join(folders.nspawn, `${name}.nspawn`),
    machineLink: join(folders.machines, name),
    unitDropInFolder,
    unitDropIn: join(unitDropInFolder, "50-mbctl.conf"),
    bootLink: join(folders.units, "machines.target.wants", machineUnit(name)),
    stoppedMarker: join(configuration, ".mbctl", "stopped"),
    lock: join(folders.locks, `${name}.lock`),
    pullMarker: join(folders.configurations, `.mbctl-pull.${name}`),
    removeMarker: join(folders.configurations, `.mbctl-remove.${name}`),
    changeMarker: join(folders.configurations, `.mbctl-change.${name}`),
    stagedTree: join(folders.trees, `.mbctl-new.${name}`),
    stagedConfiguration: join(folders.configurations, `.mbctl-new.${name}`),
    stagedStorage: join(folders.storage, `.mbctl-new.${name}`),
    oldTree: join(folders.trees, `.mbctl-old.${name}`),
    oldConfiguration: join(folders.configurations, `.mbctl-old.${name}`),
    oldStorage: join(folders.storage, `.mbctl-old.${name}`),
    snapshots: {
      trees: join(folders.trees, ".mbctl-snapshots", name),
      configurations: join(folders.configurations, ".mbctl-snapshots", name),
      storage: join(folders.storage, ".mbctl-snapshots", name),
    },
  };
}

/**
 * Every name under which something of a machine can lie, ours or not: a pull
 * wants all of them free. systemd looks for images as `NAME` and `NAME.raw`
 * (machinectl(1)) and for settings in three folders (systemd.nspawn(5)).
 */
export function namesOf(root: string, name: MachineName): string[] {
  const paths = machinePaths(root, name);
  return [
    paths.tree,
    paths.configuration,
    paths.storage,
    paths.nspawnLink,
    join(root, "run/systemd/nspawn", `${name}.nspawn`),
    `${paths.machineLink}.nspawn`,
    paths.machineLink,
    `${paths.machineLink}.raw`,
    paths.unitDropInFolder,
    paths.bootLink,
    ...Object.values(paths.snapshots),
  ];
}

/** A link's target as the host itself sees it, also when the host lies below `--root`. */
export function belowRoot(root: string, path: string): string {
  return root === "/" ? path : path.slice(root.length);
}
