/**
 * How to install what is missing, in the words of the host's distribution.
 *
 * @module
 */

import { parse } from "ini";
import { readTextIfPresent } from "./files.ts";

/** The package managers that we have words for. */
type Manager = "apt" | "pacman" | "dnf" | "zypper";

const commands: Readonly<Record<Manager, string>> = {
  apt: "apt install",
  pacman: "pacman -S",
  dnf: "dnf install",
  zypper: "zypper install",
};

/** Packages that are not called like their program. */
const packages: Readonly<Record<string, Readonly<Partial<Record<Manager, string>>>>> = {
  busybox: { apt: "busybox-static", pacman: "busybox", dnf: "busybox" },
  yggdrasilctl: { apt: "yggdrasil", pacman: "yggdrasil", dnf: "yggdrasil" },
  machinectl: { apt: "systemd-container", pacman: "systemd", dnf: "systemd-container" },
  "systemd-nspawn": { apt: "systemd-container", pacman: "systemd", dnf: "systemd-container" },
  mmdebstrap: { pacman: "debootstrap", zypper: "debootstrap" },
  dnf5: { apt: "dnf" },
  pacstrap: {
    apt: "arch-install-scripts pacman-package-manager archlinux-keyring",
    dnf: "arch-install-scripts",
    pacman: "arch-install-scripts",
  },
  // As a Debian host needs it to make Ubuntu, and the other way round.
  "debian-archive-keyring": { dnf: "debian-keyring" },
  "ubuntu-keyring": { dnf: "ubu-keyring" },
  nsenter: { apt: "util-linux", pacman: "util-linux", dnf: "util-linux-core" },
  setpriv: { apt: "util-linux", pacman: "util-linux", dnf: "util-linux" },
  unshare: { apt: "util-linux", pacman: "util-linux", dnf: "util-linux-core" },
  ip: { apt: "iproute2", pacman: "iproute2", dnf: "iproute" },
  nft: { apt: "nftables", pacman: "nftables", dnf: "nftables" },
  resolvectl: { apt: "systemd-resolved", pacman: "systemd", dnf: "systemd-resolved" },
  nmcli: { apt: "network-manager", pacman: "networkmanager", dnf: "NetworkManager" },
  NetworkManager: { apt: "network-manager", pacman: "networkmanager", dnf: "NetworkManager" },
  dnsmasq: { apt: "dnsmasq-base", pacman: "dnsmasq", dnf: "dnsmasq" },
  cp: { apt: "coreutils", pacman: "coreutils", dnf: "coreutils" },
  sync: { apt: "coreutils", pacman: "coreutils", dnf: "coreutils" },
  journalctl: { apt: "systemd", pacman: "systemd", dnf: "systemd" },
  systemctl: { apt: "systemd", pacman: "systemd", dnf: "systemd" },
};

/** What no repository of a distribution has under a name that can be trusted. */
const byHand: Readonly<Record<string, Readonly<Partial<Record<Manager, string>>>>> = {
  // Fedora's "yggdrasil" is another program, Red Hat's message agent.
  yggdrasil: { dnf: "dnf install the .rpm of the releases of yggdrasil-go" },
  yggdrasilctl: { dnf: "dnf install the .rpm of the releases of yggdrasil-go" },
};

/** The manager of each distribution family, by os-release's ID and ID_LIKE. */
const families: Readonly<Record<string, Manager>> = {
  debian: "apt",
  ubuntu: "apt",
  arch: "pacman",
  fedora: "dnf",
  rhel: "dnf",
  centos: "dnf",
  suse: "zypper",
  opensuse: "zypper",
};

/**
 * The hint for a program that the host lacks: the one command of its
 * distribution, or all that we know where that is not known.
 *
 * @param osRelease the text of os-release(5), that of this host by default.
 */
export function installHint(
  program: string,
  osRelease: string = readTextIfPresent("/etc/os-release") ?? "",
): string {
  const own = managerOf(osRelease);
  const managers: readonly Manager[] = own === undefined ? ["apt", "pacman", "dnf"] : [own];
  return managers
    .map(
      (manager) =>
        byHand[program]?.[manager] ??
        `${commands[manager]} ${packages[program]?.[manager] ?? program}`,
    )
    .join(", or ");
}

/** The package manager of a distribution, or of the one that it says it is like. */
export function managerOf(osRelease: string): Manager | undefined {
  const { ID, ID_LIKE } = parse(osRelease);
  return `${ID ?? ""} ${ID_LIKE ?? ""}`
    .split(/\s+/)
    .map((id) => (Object.hasOwn(families, id) ? families[id] : undefined))
    .find((manager) => manager !== undefined);
}
