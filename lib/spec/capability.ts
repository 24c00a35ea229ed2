/**
 * Names of capabilities (capabilities(7)), and which of them a machine gets.
 *
 * @module
 */

import type { AppChoices } from "./machine_spec.ts";

/** All that Linux has (linux/capability.h), in its order. systemd 252 knows them all. */
export const capabilityNames: readonly string[] = [
  ..."CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP".split(" "),
  ..."LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK".split(" "),
  ..."IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN".split(" "),
  ..."SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE".split(" "),
  ..."AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND".split(" "),
  ..."AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split(" "),
];

/** What man8s-init cannot do without: addresses, DHCP, mounts, the app's user, files of /run and /tmp. */
export const initCapabilities: readonly string[] = [
  ..."CHOWN DAC_OVERRIDE FOWNER NET_ADMIN NET_RAW SETGID SETUID SYS_ADMIN SYS_CHROOT".split(" "),
];

/** As machine.toml has it, `NET_ADMIN`: podman takes `net_admin` and `CAP_NET_ADMIN` too. `ALL` is all of them. */
export function capabilityName(text: string): string {
  return text.toUpperCase().replace(/^CAP_/, "");
}

/** As systemd wants it: `CAP_NET_ADMIN`, `all`. */
export function systemdCapability(name: string): string {
  return name === "ALL" ? "all" : `CAP_${name}`;
}

/** Whether there is such a capability; `ALL` is one. */
export function isCapability(name: string): boolean {
  return name === "ALL" || capabilityNames.includes(name);
}

/** What an nspawn file says (systemd.nspawn(5)), in systemd's names. */
export interface NspawnCapabilities {
  /** Over nspawn's own set. */
  readonly capabilities: readonly string[];
  /** Counts more than `capabilities`. */
  readonly dropCapabilities: readonly string[];
  readonly hasNoNewPrivileges: boolean;
}

/**
 * As podman has it, "ALL" is dropped before others are added, and added before others are dropped.
 *
 * What man8s-init needs cannot be dropped, for it runs in the machine. A program of another user than root has no
 * capability at all when it starts; where it is to have none of those, it is kept from getting them.
 */
export function nspawnCapabilities(
  { add, drop }: AppChoices["capabilities"],
  isRoot: boolean,
): NspawnCapabilities {
  const dropped = !drop.includes("ALL")
    ? drop
    : add.includes("ALL")
      ? []
      : capabilityNames.filter((name) => !add.includes(name));
  const isInits = (name: string) => initCapabilities.includes(name);
  return {
    capabilities: add.map(systemdCapability),
    dropCapabilities: dropped.filter((name) => !isInits(name)).map(systemdCapability),
    hasNoNewPrivileges: !isRoot && dropped.some(isInits),
  };
}
