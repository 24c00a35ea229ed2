/**
 * The bridge by systemd-networkd.
 *
 * @module
 */

import { networkdFiles } from "../network/host_bridge.ts";
import type { Backend } from "./backend.ts";

const waitOnline = "systemd-networkd-wait-online.service";

export const networkd: Backend = {
  name: "networkd",
  units: ["systemd-networkd.service"],
  mayStart: true,
  besideUnits: [
    waitOnline,
    "systemd-network-generator.service",
    "systemd-networkd.socket",
    "systemd-networkd-varlink.socket",
  ],
  // On a host whose other links networkd does not manage it waits for two minutes.
  waitUnits: [waitOnline],
  programs: ["networkctl"],
  isResolver: false,
  files: networkdFiles,
  reload: () => [["networkctl", "reload"]],
  // A bridge that somebody deleted is not made again by a reload.
  repair: () => [["systemctl", "restart", "systemd-networkd.service"]],
  finish: () => [],
  forget: (bridge, { hasBridge, isToldOf }) => [
    // Of a link that is deleted it would leave the networks in its tables of nftables.
    ...(hasBridge ? [["ip", "address", "flush", "dev", bridge]] : []),
    ...(isToldOf ? [["networkctl", "reload"]] : []),
    ...(hasBridge ? [["ip", "link", "delete", "dev", bridge]] : []),
  ],
  // Leases of the DHCP server, kept since systemd 256.
  leftovers: (bridge) => [`/var/lib/systemd/network/dhcp-server-lease/${bridge}`],
};
