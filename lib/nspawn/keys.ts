/**
 * The keys of a `.nspawn` file: one row a key, as systemd.nspawn(5) of systemd 262
 * lists them with the version that brought each, checked against the key
 * tables inside the systemd-nspawn binaries of 252, 257 and 262.
 *
 * @module
 */

export type NspawnSection = "Exec" | "Files" | "Network";

/** How systemd reads the value. */
export type NspawnValueKind =
  /** The rest of the line as it is, blanks at the ends cut. */
  | "text"
  /** `yes` or `no`. */
  | "boolean"
  /** Words split at blanks, quotes allowed, backslash ordinary. */
  | "words"
  /** Fields split at colons, a backslash takes the next character literally, quotes ordinary. */
  | "fields";

export interface NspawnKey {
  readonly section: NspawnSection;
  readonly key: string;
  /** The first systemd version that knows the key; older ones warn and ignore it. */
  readonly since: number;
  readonly kind: NspawnValueKind;
  /** Whether a second line of the key adds to the first instead of replacing it. */
  readonly isRepeatable: boolean;
}

/** The oldest systemd that mbctl supports (Debian 12). */
export const OLDEST_SYSTEMD = 252;

const row = (
  section: NspawnSection,
  key: string,
  since: number,
  kind: NspawnValueKind = "text",
  isRepeatable = false,
): NspawnKey => ({ section, key, since, kind, isRepeatable });

export const NSPAWN_KEYS: readonly NspawnKey[] = [
  row("Exec", "Boot", 226, "boolean"),
  row("Exec", "Ephemeral", 240, "boolean"),
  row("Exec", "ProcessTwo", 229, "boolean"),
  row("Exec", "Parameters", 226, "words"),
  row("Exec", "Environment", 226, "words", true),
  row("Exec", "User", 226),
  row("Exec", "WorkingDirectory", 229),
  row("Exec", "PivotRoot", 233, "fields"),
  row("Exec", "Capability", 226, "words", true),
  row("Exec", "DropCapability", 226, "words", true),
  row("Exec", "AmbientCapability", 248, "words", true),
  row("Exec", "NoNewPrivileges", 239, "boolean"),
  row("Exec", "KillSignal", 230),
  row("Exec", "Personality", 226),
  row("Exec", "MachineID", 226),
  row("Exec", "PrivateUsers", 230),
  row("Exec", "PrivateUsersDelegate", 260),
  row("Exec", "NotifyReady", 231, "boolean"),
  row("Exec", "SystemCallFilter", 235, "words", true),
  row("Exec", "RestrictAddressFamilies", 261, "words", true),
  ...[
    ..."CPU FSIZE DATA STACK CORE RSS NOFILE AS NPROC MEMLOCK LOCKS".split(" "),
    ..."SIGPENDING MSGQUEUE NICE RTPRIO RTTIME".split(" "),
  ].map((limit) => row("Exec", `Limit${limit}`, 239)),
  row("Exec", "OOMScoreAdjust", 239),
  row("Exec", "CPUAffinity", 239, "words", true),
  row("Exec", "Hostname", 239),
  row("Exec", "ResolvConf", 239),
  row("Exec", "Timezone", 239),
  row("Exec", "LinkJournal", 239),
  row("Exec", "SuppressSync", 250, "boolean"),

  row("Files", "ReadOnly", 226, "boolean"),
  row("Files", "Volatile", 226),
  row("Files", "Bind", 226, "fields", true),
  row("Files", "BindReadOnly", 226, "fields", true),
  row("Files", "BindUser", 249, "words", true),
  row("Files", "BindUserShell", 258),
  row("Files", "TemporaryFileSystem", 226, "fields", true),
  row("Files", "Inaccessible", 242, "fields", true),
  row("Files", "Overlay", 233, "fields", true),
  row("Files", "OverlayReadOnly", 233, "fields", true),
  row("Files", "PrivateUsersChown", 230, "boolean"),
  row("Files", "PrivateUsersOwnership", 249),

  row("Network", "Private", 226, "boolean"),
  row("Network", "NamespacePath", 259),
  row("Network", "VirtualEthernet", 226, "boolean"),
  row("Network", "VirtualEthernetExtra", 228, "fields", true),
  row("Network", "Interface", 226, "words", true),
  row("Network", "MACVLAN", 226, "words", true),
  row("Network", "IPVLAN", 226, "words", true),
  row("Network", "Bridge", 226),
  row("Network", "Zone", 230),
  row("Network", "Port", 226, "text", true),
];

const byName = new Map(NSPAWN_KEYS.map((key) => [`${key.section}.${key.key}`, key]));

/** The row of a key, or undefined for a key that systemd 262 does not know. */
export function nspawnKey(section: string, key: string): NspawnKey | undefined {
  return byName.get(`${section}.${key}`);
}

/** Whether systemd of that version reads the key. */
export function isKnownNspawnKey(section: string, key: string, systemdVersion: number): boolean {
  const found = nspawnKey(section, key);
  return found !== undefined && found.since <= systemdVersion;
}
