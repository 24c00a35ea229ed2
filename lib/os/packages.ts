/**
 * The packages that make a root tree a system that boots: a manager of services, a message bus and logins for
 * `machinectl shell`, a network, names, and the package manager for the rest.
 *
 * @module
 */

import type { Os, OsFamily } from "./os.ts";

/** Releases in which systemd-resolved is part of the package systemd. */
const hasResolvedInSystemd: readonly string[] = ["bullseye", "jammy"];

/** What a new system is made of, beside what its bootstrapper takes for essential. */
export function systemPackages({ family, release }: Os): readonly string[] {
  return [
    ...baseOnes[family],
    ...systemOnes(family, !hasResolvedInSystemd.includes(release), release.startsWith("15.")),
  ];
}

/** The same for a tree that is there already, of an image. */
export function lackingPackages(
  family: OsFamily,
  {
    hasOwnResolved,
    isOlderSuse,
  }: { readonly hasOwnResolved: boolean; readonly isOlderSuse: boolean },
): readonly string[] {
  return systemOnes(family, hasOwnResolved, isOlderSuse);
}

const baseOnes: Readonly<Record<OsFamily, readonly string[]>> = {
  debian: ["ca-certificates"],
  fedora: [
    ...["bash", "ca-certificates", "coreutils", "dnf5", "fedora-release", "glibc-minimal-langpack"],
    ...["rootfiles", "shadow-utils", "util-linux"],
  ],
  // A group of packages that stands for an installation: bash, pacman, systemd and more.
  arch: ["base"],
  suse: [
    ...["bash", "ca-certificates-mozilla", "coreutils", "openSUSE-release", "shadow", "util-linux"],
    ...["zypper"],
  ],
};

function systemOnes(family: OsFamily, hasOwnResolved: boolean, isOlderSuse: boolean): string[] {
  switch (family) {
    case "debian":
      return [
        ...["systemd", "systemd-sysv", "dbus", "libpam-systemd", "libnss-systemd"],
        ...(hasOwnResolved ? ["systemd-resolved"] : []),
        ...["iproute2", "iputils-ping"],
      ];
    case "fedora":
      return [
        ...["systemd", "systemd-networkd", "systemd-resolved", "systemd-pam", "dbus"],
        ...["iproute", "iputils"],
      ];
    case "arch":
      return ["systemd", "dbus", "iproute2", "iputils"];
    case "suse":
      return [
        ...["systemd", "dbus-1"],
        // Two packages since systemd 253.
        ...(isOlderSuse ? ["systemd-network"] : ["systemd-networkd", "systemd-resolved"]),
        ...["iproute2", "iputils"],
      ];
  }
}
