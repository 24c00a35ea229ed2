/**
 * The host bridge's files (systemd-configs/): all they need of a host is its prefix.
 *
 * @module
 */
import { usageError } from "../errors.ts";

/** One file of systemd-configs/ and where a host wants it. */
export interface BridgeFile {
  readonly name: string;
  /** Absolute directory on the host. */
  readonly directory: string;
}

/** All files of systemd-configs/ that a host installs. */
export const BRIDGE_FILES: readonly BridgeFile[] = [
  { name: "80-srvgrp0.netdev", directory: "/etc/systemd/network" },
  { name: "80-srvgrp0.network", directory: "/etc/systemd/network" },
  { name: "80-man8s-dns.conf", directory: "/etc/systemd/resolved.conf.d" },
  { name: "80-man8s-forwarding.conf", directory: "/etc/sysctl.d" },
];

/** What stands in the files of systemd-configs/ for the host prefix. */
export const HOST_PREFIX_PLACEHOLDER = "@HOST_PREFIX@";

/**
 * Fills the host prefix in.
 *
 * @param text a file of systemd-configs/
 * @param prefixGroups the first four groups of the host's yggdrasil /64, e.g. `300:2e98:a4b0:1789`;
 *   no `::`, no length
 * @returns the text; unchanged when it has no placeholder
 * @throws MbctlError (usage) for anything that is no /64 inside 300::/8
 */
export function renderBridgeConfig(text: string, prefixGroups: string): string {
  return text.replaceAll(HOST_PREFIX_PLACEHOLDER, checkPrefixGroups(prefixGroups));
}

/** yggdrasil routes 300::/8 to nodes by /64; the node's own addresses are in 200::/8 and cannot be shared out. */
function checkPrefixGroups(prefixGroups: string): string {
  if (!/^3[0-9a-f]{2}(:[0-9a-f]{1,4}){3}$/i.test(prefixGroups)) {
    throw usageError(
      `Cannot use ${JSON.stringify(prefixGroups)} as the host prefix: not the first four groups of a yggdrasil /64`,
      "yggdrasilctl -json getself | grep subnet",
    );
  }
  return prefixGroups.toLowerCase();
}
