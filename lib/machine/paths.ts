/**
 * Where everything of a machine lies (DESIGN, "On disk").
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { type MachineName, machineUnit } from "./name.ts";

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
  readonly storage: string;
  /** Link in /etc/systemd/nspawn to {@linkcode nspawn}. */
  readonly nspawnLink: string;
  /** Link in /var/lib/machines to {@linkcode tree}: made last, it is the commit. */
  readonly machineLink: string;
  readonly unitDropInFolder: string;
  readonly unitDropIn: string;
  /** What `systemctl enable` makes: the machine starts at boot. */
  readonly bootLink: string;
  readonly lock: string;
  /** Says that a pull is under way, and what to take back if it was killed. */
  readonly pullMarker: string;
  /** Says that a removal is under way, and what is left to remove. */
  readonly removeMarker: string;
  readonly stagedTree: string;
  readonly stagedConfiguration: string;
  readonly stagedStorage: string;
}

/**
 * The hidden name under which the write of a file or link is prepared: known by
 * name, so that the next run overwrites or removes it.
 */
export function stagedName(path: string): string {
  return join(dirname(path), `.${basename(path)}.mbctl-new`);
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
    storage: join(folders.storage, name),
    nspawnLink: join(folders.nspawn, `${name}.nspawn`),
    machineLink: join(folders.machines, name),
    unitDropInFolder,
    unitDropIn: join(unitDropInFolder, "50-mbctl.conf"),
    bootLink: join(folders.units, "machines.target.wants", machineUnit(name)),
    lock: join(folders.locks, `${name}.lock`),
    pullMarker: join(folders.configurations, `.mbctl-pull.${name}`),
    removeMarker: join(folders.configurations, `.mbctl-remove.${name}`),
    stagedTree: join(folders.trees, `.mbctl-new.${name}`),
    stagedConfiguration: join(folders.configurations, `.mbctl-new.${name}`),
    stagedStorage: join(folders.storage, `.mbctl-new.${name}`),
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
  ];
}
