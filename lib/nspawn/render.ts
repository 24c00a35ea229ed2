/**
 * Renders the `.nspawn` file of a machine (systemd.nspawn(5)).
 *
 * @module
 */
import type { EnvEntry } from "../env/env_entry.ts";
import { INIT_PATH } from "../init/init_files.ts";
import { isKnownNspawnKey, nspawnKey, type NspawnSection, OLDEST_SYSTEMD } from "./keys.ts";
import {
  escapeBindField,
  formatPlainPath,
  formatPlainText,
  quoteNspawnWord,
  quoteNspawnWords,
} from "./quote.ts";
import {
  formatUnitFile,
  type UnitItem,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "./unit_file.ts";

/** One `Bind=` or `BindReadOnly=` line. Both paths are absolute. */
export interface NspawnBind {
  /** On the host; with `isIdmapped` no symlink (the kernel says EINVAL). */
  readonly source: string;
  /** In the machine. */
  readonly target: string;
  /** The machine's uid 0 owns what uid 0 owns on the host. Wanted with `privateUsers`. */
  readonly isIdmapped: boolean;
  readonly isReadOnly: boolean;
}

/** One `TemporaryFileSystem=` line: nspawn gives it to the machine's root. */
export interface NspawnTmpfs {
  /** In the machine, absolute. */
  readonly target: string;
  /** Of the folder itself, 0 to 0o7777. */
  readonly mode: number;
  /** Absent: half of the host's memory, as tmpfs(5) has it. */
  readonly sizeBytes?: number | undefined;
}

export interface NspawnNetwork {
  /** A network namespace of its own; absent: as the other keys imply. */
  readonly isPrivate?: boolean | undefined;
  readonly isVirtualEthernet: boolean;
  /** Name of the host's bridge; absent: a point-to-point link. */
  readonly bridge?: string | undefined;
  /** The host's interface that gets a MAC address for the machine. */
  readonly macvlan?: string | undefined;
}

/** Everything that a rendered `.nspawn` file says. Values are verbatim; the renderer quotes. */
export interface NspawnSettings {
  readonly isBoot: boolean;
  readonly isProcessTwo: boolean;
  /** The command line of the payload. */
  readonly parameters: readonly string[];
  /** No value may hold a line break: see `splitEnvironment()` in lib/env. */
  readonly environment: readonly EnvEntry[];
  /** Calls getent inside the image: leave it out, man8s-init switches users. */
  readonly user?: string | undefined;
  readonly workingDirectory?: string | undefined;
  readonly killSignal: string;
  readonly privateUsers: string;
  readonly privateUsersOwnership: string;
  /** Over nspawn's own set: `CAP_…`. */
  readonly capabilities: readonly string[];
  /** Out of that set. */
  readonly dropCapabilities: readonly string[];
  /** No program gets more rights than it was started with: setuid and file capabilities mean nothing. */
  readonly hasNoNewPrivileges: boolean;
  /** Of each process, soft and hard. */
  readonly openFiles?: number | undefined;
  /** Written on systemd 261 and later only. */
  readonly restrictAddressFamilies: readonly string[];
  readonly resolvConf: string;
  readonly timezone: string;
  readonly linkJournal: string;
  /** The root tree is mounted read-only; binds and tmpfs are not, and their mount points must be there. */
  readonly isReadOnly: boolean;
  readonly binds: readonly NspawnBind[];
  readonly tmpfs: readonly NspawnTmpfs[];
  readonly network: NspawnNetwork;
}

/** The template `network_isolated`, without what differs from machine to machine. */
export const DEFAULT_NSPAWN_SETTINGS: NspawnSettings = {
  isBoot: false,
  isProcessTwo: true,
  parameters: [INIT_PATH],
  environment: [],
  killSignal: "SIGRTMIN+3",
  privateUsers: "pick",
  privateUsersOwnership: "map",
  capabilities: [],
  dropCapabilities: [],
  hasNoNewPrivileges: false,
  restrictAddressFamilies: ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"],
  resolvConf: "copy-stub",
  timezone: "copy",
  linkJournal: "no",
  isReadOnly: false,
  binds: [],
  tmpfs: [],
  network: { isVirtualEthernet: true, bridge: "srvgrp0" },
};

/**
 * Those of a whole system, which its own systemd boots: names, time zone and journal are its own, and process 1 sets up
 * what man8s-init does elsewhere.
 */
export const SYSTEM_NSPAWN_SETTINGS: NspawnSettings = {
  ...DEFAULT_NSPAWN_SETTINGS,
  isBoot: true,
  isProcessTwo: false,
  parameters: [],
  resolvConf: "off",
  timezone: "off",
};

const HEADER = `Settings of a machine for systemd-nspawn; see systemd.nspawn(5).
Rendered by mbctl. You may edit it: your entries stay when it is rendered anew, and count from
the machine's next start. Values are not expanded; "…" and '…' keep blanks in a word.`;

/** That of an older mbctl, which rendered the file only once. */
export const OLDER_NSPAWN_HEADER = HEADER.replace(
  "Rendered by mbctl. You may edit it: your entries stay when it is rendered anew, and count from",
  "Rendered by mbctl once, when the machine was made. You may edit it: a change counts from",
);

const mappedTree = "The root tree keeps its owners on disk, and is mapped when mounted.";

/** Comments that stand above a key where a whole system is booted. */
const SYSTEM_COMMENTS: Readonly<Record<string, string>> = {
  "Exec.Boot": "A whole system: process 1 is its own init.",
  "Exec.KillSignal": "On it systemd in the machine shuts down in order.",
  "Exec.RestrictAddressFamilies": "NETLINK and PACKET are for networkd and udev in the machine.",
  "Exec.ResolvConf": "Names, time zone and journal are those of the machine's own services.",
  "Files.PrivateUsersOwnership": mappedTree,
};

/** Comments that stand above a key. */
const COMMENTS: Readonly<Record<string, string>> = {
  "Exec.ProcessTwo": "The program runs as process 2; nspawn's own process 1 reaps zombies.",
  "Exec.KillSignal": `Not the image's stop signal: nspawn sends this one to its own process 1, which
ignores all but a few, and on SIGRTMIN+3 stops process 2 with SIGTERM. The image's
signal is sent by ExecStop= in the drop-in of systemd-nspawn@.service.`,
  "Exec.RestrictAddressFamilies": "NETLINK and PACKET are for ip and udhcpc of man8s-init.",
  "Files.PrivateUsersOwnership": mappedTree,
};

/**
 * Renders the whole file, its end-of-line included.
 *
 * @param systemdVersion major version of the host's systemd; keys it does not know are left out
 * @param header the comment on top
 * @throws MbctlError (usage) when a value cannot stand in such a file (see quote.ts)
 */
export function renderNspawn(
  settings: NspawnSettings,
  systemdVersion: number,
  header: string = HEADER,
): string {
  const items: UnitItem[] = [unitComment(header)];
  const comments = settings.isBoot ? SYSTEM_COMMENTS : COMMENTS;
  for (const section of ["Exec", "Files", "Network"] as const) {
    const lines = LINES[section](settings).filter(([key]) =>
      isWritten(section, key, systemdVersion),
    );
    if (lines.length === 0) continue;
    items.push(unitBlank(), unitSection(section));
    let previous = "";
    for (const [key, value] of lines) {
      const comment = comments[`${section}.${key}`];
      if (comment !== undefined && key !== previous) items.push(unitComment(comment));
      items.push(unitEntry(key, value));
      previous = key;
    }
  }
  return formatUnitFile(items);
}

type Line = readonly [key: string, value: string];

const LINES: Record<NspawnSection, (settings: NspawnSettings) => Line[]> = {
  Exec: (settings) => [
    ["Boot", yesNo(settings.isBoot)],
    ["ProcessTwo", yesNo(settings.isProcessTwo)],
    ...wordList("Parameters", settings.parameters),
    // One variable a line: systemd adds them up, and people can read and edit them.
    ...settings.environment.map(
      ([name, value]) => ["Environment", quoteNspawnWord(`${name}=${value}`)] as const,
    ),
    ...optional("User", settings.user, formatPlainText),
    ...optional("WorkingDirectory", settings.workingDirectory, formatPlainPath),
    ["KillSignal", formatPlainText(settings.killSignal)],
    ["PrivateUsers", formatPlainText(settings.privateUsers)],
    ...wordList("Capability", settings.capabilities),
    ...wordList("DropCapability", settings.dropCapabilities),
    ...(settings.hasNoNewPrivileges ? [["NoNewPrivileges", "yes"] as const] : []),
    ...optional("LimitNOFILE", settings.openFiles, String),
    ...wordList("RestrictAddressFamilies", settings.restrictAddressFamilies),
    ["ResolvConf", formatPlainText(settings.resolvConf)],
    ["Timezone", formatPlainText(settings.timezone)],
    ["LinkJournal", formatPlainText(settings.linkJournal)],
  ],
  Files: (settings) => [
    ["PrivateUsersOwnership", formatPlainText(settings.privateUsersOwnership)],
    ...(settings.isReadOnly ? [["ReadOnly", "yes"] as const] : []),
    ...settings.binds.map(
      (bind) => [bind.isReadOnly ? "BindReadOnly" : "Bind", formatBind(bind)] as const,
    ),
    ...settings.tmpfs.map((tmpfs) => ["TemporaryFileSystem", formatTmpfs(tmpfs)] as const),
  ],
  Network: ({ network }) => [
    ...(network.isPrivate === undefined ? [] : [["Private", yesNo(network.isPrivate)] as const]),
    // The stock unit passes --network-veth: that it is off must be said.
    ["VirtualEthernet", yesNo(network.isVirtualEthernet)],
    ...optional("Bridge", network.bridge, formatPlainText),
    ...optional("MACVLAN", network.macvlan, quoteNspawnWord),
  ],
};

/** The same as an argument of systemd-nspawn(1). */
export function formatBindArgument(bind: NspawnBind): string {
  return `${bind.isReadOnly ? "--bind-ro" : "--bind"}=${formatBind(bind)}`;
}

function formatBind(bind: NspawnBind): string {
  const fields = [escapeBindField(bind.source), escapeBindField(bind.target)];
  // Always an option at the end: a path's trailing blank then is not at the line's end. "rbind" is the default.
  fields.push(bind.isIdmapped ? "idmap" : "rbind");
  return fields.join(":");
}

function formatTmpfs({ target, mode, sizeBytes }: NspawnTmpfs): string {
  const size = sizeBytes === undefined ? "" : `,size=${sizeBytes}`;
  return `${escapeBindField(target)}:mode=${mode.toString(8).padStart(4, "0")}${size}`;
}

function isWritten(section: NspawnSection, key: string, systemdVersion: number): boolean {
  const found = nspawnKey(section, key);
  if (found === undefined) throw new TypeError(`no such nspawn key: ${section}.${key}`);
  return found.since <= OLDEST_SYSTEMD || isKnownNspawnKey(section, key, systemdVersion);
}

function wordList(key: string, words: readonly string[]): Line[] {
  return words.length === 0 ? [] : [[key, quoteNspawnWords(words)]];
}

function optional<T>(key: string, value: T | undefined, format: (value: T) => string): Line[] {
  return value === undefined ? [] : [[key, format(value)]];
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
