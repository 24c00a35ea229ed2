/**
 * What a root tree is: which distribution, which init, who configures its network. Pure: the tree is read through a view.
 *
 * @module
 */

import { parse } from "ini";
import type { OsFamily } from "./os.ts";
import { firstPath, hasPath, type TreeView } from "./tree_view.ts";

export type InitSystem = "systemd" | "openrc" | "upstart" | "sysvinit" | "none";
export type NetworkManager = "networkd" | "NetworkManager" | "ifupdown" | "none";
export type PackageManager =
  "apt-get" | "dnf5" | "dnf" | "microdnf" | "yum" | "pacman" | "zypper" | "apk";

export interface SystemFacts {
  /** `PRETTY_NAME` of os-release(5), or what is known instead. */
  readonly name: string;
  /** `ID` and `VERSION_ID`; empty where the tree does not say. */
  readonly id: string;
  readonly version: string;
  /** By ID and ID_LIKE; undefined for others. */
  readonly family: OsFamily | undefined;
  /** The one that a boot would start. */
  readonly init: InitSystem;
  /** Major version of systemd, from 231 on; undefined for an older one, or none. */
  readonly systemdVersion: number | undefined;
  readonly network: NetworkManager;
  readonly hasResolved: boolean;
  readonly hasDbus: boolean;
  /** Whether a login makes a session: what `machinectl shell` and `systemctl --user` need. */
  readonly hasLogin: boolean;
  readonly packageManager: PackageManager | undefined;
  /** The shell of a new user. */
  readonly shell: string;
}

const families: Readonly<Record<string, OsFamily>> = {
  debian: "debian",
  ubuntu: "debian",
  fedora: "fedora",
  rhel: "fedora",
  centos: "fedora",
  arch: "arch",
  archlinux: "arch",
  suse: "suse",
  opensuse: "suse",
};

/** Reads what settling and installing decide by. */
export function systemFacts(view: TreeView): SystemFacts {
  const release = parse(view.read("/etc/os-release") ?? view.read("/usr/lib/os-release") ?? "");
  const text = (key: string) => (typeof release[key] === "string" ? release[key] : "");
  const init = initSystem(view);
  return {
    name: text("PRETTY_NAME") || text("NAME") || olderName(view),
    id: text("ID"),
    version: text("VERSION_ID"),
    family: familyOf(`${text("ID")} ${text("ID_LIKE")}`),
    init,
    systemdVersion: init === "systemd" ? systemdVersion(view) : undefined,
    network: networkManager(view, init),
    hasResolved: init === "systemd" && hasProgram(view, "systemd-resolved"),
    hasDbus:
      firstPath(view, [
        "/usr/bin/dbus-daemon",
        "/bin/dbus-daemon",
        "/usr/bin/dbus-broker-launch",
      ]) !== undefined,
    hasLogin: hasProgram(view, "systemd-logind") && hasSessionModule(view),
    packageManager: packageManager(view),
    shell: firstPath(view, ["/bin/bash", "/usr/bin/bash"]) === undefined ? "/bin/sh" : "/bin/bash",
  };
}

/** Debian 6 and others of its time have no os-release. */
function olderName(view: TreeView): string {
  const version = view.read("/etc/debian_version")?.trim();
  if (version !== undefined) return `Debian ${version}`;
  return view.read("/etc/redhat-release")?.trim() ?? "a system without os-release";
}

function familyOf(ids: string): OsFamily | undefined {
  return ids
    .split(/\s+/)
    .map((id) => id.replace(/-.*/, ""))
    .map((id) => (Object.hasOwn(families, id) ? families[id] : undefined))
    .find((family) => family !== undefined);
}

/** In the order in which systemd-nspawn looks for an init (systemd-nspawn(1), --boot). */
function initSystem(view: TreeView): InitSystem {
  if (hasProgram(view, "systemd")) return "systemd";
  if (firstPath(view, ["/sbin/init", "/usr/sbin/init", "/etc/init", "/bin/init"]) === undefined)
    return "none";
  if (firstPath(view, ["/sbin/openrc", "/usr/sbin/openrc", "/usr/bin/openrc"]) !== undefined)
    return "openrc";
  if (firstPath(view, ["/sbin/initctl", "/usr/sbin/initctl"]) && hasPath(view, "/etc/init/rc.conf"))
    return "upstart";
  return hasPath(view, "/etc/inittab") ? "sysvinit" : "none";
}

/** A program of systemd's own. */
function hasProgram(view: TreeView, name: string): boolean {
  return firstPath(view, [`/usr/lib/systemd/${name}`, `/lib/systemd/${name}`]) !== undefined;
}

/** Its shared library has the version in its name, as systemd-nspawn reads it too; there is none before 231. */
function systemdVersion(view: TreeView): number | undefined {
  const folders = [
    ...["/usr/lib/systemd", "/lib/systemd", "/usr/lib64/systemd"],
    ...["x86_64-linux-gnu", "aarch64-linux-gnu"].map((triplet) => `/usr/lib/${triplet}/systemd`),
  ];
  const versions = folders
    .flatMap((folder) => view.list(folder))
    .flatMap((name) => /^libsystemd-shared-(\d+)/.exec(name)?.[1] ?? []);
  return versions.length === 0 ? undefined : Math.max(...versions.map(Number));
}

function networkManager(view: TreeView, init: InitSystem): NetworkManager {
  if (init === "systemd" && hasProgram(view, "systemd-networkd")) return "networkd";
  if (firstPath(view, ["/usr/sbin/NetworkManager", "/usr/bin/NetworkManager"]) !== undefined)
    return "NetworkManager";
  const hasIfup = firstPath(view, ["/sbin/ifup", "/usr/sbin/ifup"]) !== undefined;
  return hasIfup && view.kind("/etc/network") === "directory" ? "ifupdown" : "none";
}

function hasSessionModule(view: TreeView): boolean {
  const triplets = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
  const folders = ["/usr/lib64", "/lib64", "/usr/lib", "/lib"].flatMap((folder) => [
    folder,
    ...triplets.map((triplet) => `${folder}/${triplet}`),
  ]);
  return (
    firstPath(
      view,
      folders.map((folder) => `${folder}/security/pam_systemd.so`),
    ) !== undefined
  );
}

const packageManagers: readonly PackageManager[] = [
  ...(["apt-get", "dnf5", "dnf", "microdnf", "yum"] as const),
  ...(["pacman", "zypper", "apk"] as const),
];

function packageManager(view: TreeView): PackageManager | undefined {
  return packageManagers.find(
    (name) =>
      firstPath(
        view,
        ["/usr/bin", "/bin", "/sbin"].map((folder) => `${folder}/${name}`),
      ) !== undefined,
  );
}

/** The first systemd that boots on a host whose cgroups are of version 2 alone, as machines get them. */
const oldestSystemd = 232;

/** Why a tree does not boot as a machine, whatever is written into it; undefined where it does. */
export function whyNotBooting({ init, systemdVersion }: SystemFacts): string | undefined {
  if (init === "none") return "it has no init that mbctl knows";
  return init === "systemd" && (systemdVersion ?? 0) < oldestSystemd
    ? `its systemd is older than ${oldestSystemd}, and does not boot where cgroups are of version 2`
    : undefined;
}

/** Whether the tree is a system that boots by systemd, with a bus and logins. */
export function isWholeSystem(facts: SystemFacts): boolean {
  return facts.init === "systemd" && facts.hasDbus && facts.hasLogin;
}
