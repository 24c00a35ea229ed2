/**
 * What an application may do in its machine, unless it is told otherwise (systemd.exec(5), "Sandboxing"). The machine is
 * a sandbox of its own; this keeps an application from the other ones in it.
 *
 * @module
 */

import type { AppSpec } from "../spec/app_spec.ts";
import { capabilityNames, systemdCapability } from "../spec/capability.ts";
import { type UnitItem, unitComment, unitEntry } from "../nspawn/unit_file.ts";

/** What podman gives a container (containers/common, pkg/config/default.go), and Docker's NET_RAW is not among it. */
const defaultCapabilities: readonly string[] = [
  ..."CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE".split(" "),
  ..."SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(" "),
];

/** Those that an application may have, in Linux's order. "ALL" is dropped before others are added, as podman has it. */
export function boundedCapabilities({ add, drop }: AppSpec["capabilities"]): string[] {
  const start = drop.includes("ALL") ? [] : defaultCapabilities;
  const all = add.includes("ALL") ? capabilityNames : [...start, ...add];
  return capabilityNames.filter((name) => all.includes(name) && !drop.includes(name));
}

/** The lines of `[Service]`. */
export function sandboxItems(
  { capabilities, isReadOnly }: Pick<AppSpec, "capabilities" | "isReadOnly">,
  uid: number,
  writable: readonly string[],
): UnitItem[] {
  const bounds = boundedCapabilities(capabilities);
  const isAsked = (name: string) => capabilities.add.some((one) => one === name || one === "ALL");
  // Docker lets every user bind ports below 1024, by a sysctl of the network, which is the machine's here. What was asked
  // for is of use to another user than root only so, as podman has it.
  const ambient = bounds.filter((name) => name === "NET_BIND_SERVICE" || isAsked(name));
  const words = (names: readonly string[]) => names.map(systemdCapability).join(" ");
  const isAdmin = bounds.includes("SYS_ADMIN");
  return [
    unitComment(
      "What it may do. For more: capabilities in machine.toml, or systemctl edit in the machine.",
    ),
    unitEntry("NoNewPrivileges", "yes"),
    unitEntry("CapabilityBoundingSet", words(bounds)),
    ...(uid === 0 || ambient.length === 0
      ? []
      : [unitEntry("AmbientCapabilities", words(ambient))]),
    ...(isReadOnly
      ? [
          unitEntry("ProtectSystem", "strict"),
          ...(writable.length === 0 ? [] : [unitEntry("ReadWritePaths", writable.join(" "))]),
        ]
      : []),
    ...hardening.map((key) => unitEntry(key, "yes")),
    unitEntry("ProtectProc", "invisible"),
    unitEntry("SystemCallArchitectures", "native"),
    unitEntry("SystemCallErrorNumber", "EPERM"),
    unitEntry("SystemCallFilter", isAdmin ? "@system-service @mount" : "@system-service"),
    ...(isAdmin ? [] : [unitEntry("RestrictNamespaces", "yes")]),
    unitEntry("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"),
  ];
}

const hardening: readonly string[] = [
  "PrivateTmp",
  "PrivateDevices",
  "ProtectKernelTunables",
  "ProtectKernelModules",
  "ProtectKernelLogs",
  "ProtectControlGroups",
  "ProtectClock",
  "ProtectHostname",
  "RestrictRealtime",
  "LockPersonality",
];

/**
 * For a helper of root's outside of the sandbox. A process may look into another one of its user that has no more
 * capabilities than itself: /proc/PID/root, where the whole machine is (ptrace(2), "Ptrace access mode checking"). So it has
 * one, that by which an application could look into everybody anyway.
 */
export const unseenItems: readonly UnitItem[] = [
  unitComment(
    "With none, any application of root's could look into this process, and so into the machine.",
  ),
  unitEntry("CapabilityBoundingSet", "CAP_SYS_PTRACE"),
];
