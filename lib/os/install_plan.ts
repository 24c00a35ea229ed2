/**
 * What makes a system of an image's tree: the script that its own package manager is run by, inside a machine.
 *
 * @module
 */

import { quoteWords } from "../env/posix_sh.ts";
import { type MbctlError, usageError } from "../errors.ts";
import { isWholeSystem, type SystemFacts, whyNotBooting } from "./system_facts.ts";
import { lackingPackages } from "./packages.ts";

/**
 * The script for the image's /bin/sh.
 *
 * @returns undefined where nothing is missing: also of a system with another init, which is left as it is.
 * @throws {MbctlError} (usage) when there is no way: an image without a package manager, or of a distribution without systemd.
 */
export function planInstall(facts: SystemFacts): string | undefined {
  const isAlpine = facts.packageManager === "apk" && facts.init !== "openrc";
  // busybox's init, which an image of Alpine has, starts nothing without openrc.
  if (isAlpine) throw cannot(facts, "its distribution has no systemd");
  if (facts.init !== "systemd" && facts.init !== "none") return undefined;
  if (isWholeSystem(facts) && facts.network !== "none") return requireBooting(facts);
  switch (facts.packageManager) {
    case "apt-get":
      return aptScript();
    case "dnf5":
    case "dnf":
    case "microdnf":
    case "yum":
      return dnfScript(facts.packageManager);
    case "pacman":
      return pacmanScript();
    case "zypper":
      return zypperScript(facts);
    case "apk":
    case undefined:
      throw cannot(facts, "it has no systemd, and no package manager that mbctl knows");
  }
}

/** @throws {MbctlError} (usage) for a system that is there, and too old. */
export function requireBooting(facts: SystemFacts): undefined {
  const why = whyNotBooting(facts);
  if (why !== undefined) throw cannot(facts, why);
  return undefined;
}

function cannot({ name }: SystemFacts, state: string): MbctlError {
  return usageError(
    `Cannot boot ${name}: ${state}`,
    "use --mode direct: man8s-init runs its program, with the whole network",
  );
}

/** Nobody is asked anything, nothing is started, and no download stays. */
function aptScript(): string {
  const packages = lackingPackages("debian", { hasOwnResolved: false, isOlderSuse: false });
  return lines(
    "set -e",
    "export DEBIAN_FRONTEND=noninteractive",
    "apt-get -q update",
    `set -- ${quoteWords(packages)}`,
    // A package of its own since Debian 12 and Ubuntu 23.10, part of systemd before.
    'if apt-cache -q show systemd-resolved >/dev/null 2>&1; then set -- "$@" systemd-resolved; fi',
    'apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"',
    "apt-get clean",
    "rm -rf /var/lib/apt/lists/*",
  );
}

/** Enterprise relatives of Fedora have no networkd, or have it elsewhere: NetworkManager then. */
function dnfScript(manager: string): string {
  const optional = ["systemd-networkd", "systemd-resolved"];
  const packages = lackingPackages("fedora", { hasOwnResolved: true, isOlderSuse: false });
  const wanted = packages.filter((name) => !optional.includes(name) && name !== "systemd-pam");
  const install = `${manager} -y --setopt=install_weak_deps=0 install`;
  return lines(
    "set -e",
    `${install} ${quoteWords(wanted)}`,
    // A package of its own in Fedora alone.
    `${install} systemd-pam || true`,
    `${install} systemd-networkd || ${install} NetworkManager`,
    `${install} systemd-resolved || true`,
    `${manager} clean all`,
  );
}

function pacmanScript(): string {
  const packages = lackingPackages("arch", { hasOwnResolved: false, isOlderSuse: false });
  return lines(
    "set -e",
    "pacman-key --init",
    "pacman-key --populate",
    // All of it: Arch Linux knows no partial upgrades.
    `pacman -Syu --noconfirm --needed ${quoteWords(packages)}`,
    "rm -rf /var/cache/pacman/pkg/*",
  );
}

function zypperScript({ version }: SystemFacts): string {
  const isOlderSuse = version.startsWith("15.");
  const packages = lackingPackages("suse", { hasOwnResolved: true, isOlderSuse });
  return lines(
    "set -e",
    "zypper --non-interactive refresh",
    `zypper --non-interactive install --no-recommends ${quoteWords(packages)}`,
    "zypper clean --all",
  );
}

function lines(...all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
