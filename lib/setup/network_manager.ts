/**
 * The bridge by NetworkManager: a connection of its shared method.
 *
 * @module
 */

import type { Backend } from "./backend.ts";
import {
  connectionFile,
  connectionName,
  dispatcherScript,
  masqueradeTable,
  networkManagerFiles,
} from "./network_manager_files.ts";

export const networkManager: Backend = {
  name: "networkmanager",
  units: ["NetworkManager.service"],
  mayStart: false,
  besideUnits: [],
  waitUnits: [],
  programs: ["nmcli", "dnsmasq"],
  isResolver: true,
  files: networkManagerFiles,
  reload: ({ bridge }, isUp) => [load(bridge), isUp ? reapply(bridge) : activate(bridge)],
  repair: ({ bridge }) => [load(bridge), activate(bridge)],
  // NetworkManager calls the script as well, in its own time.
  finish: ({ bridge }) => [[dispatcherScript(bridge), bridge, "up"]],
  forget: (bridge, { hasBridge, isGone, isToldOf }) => [
    // The interface goes with NetworkManager's device.
    ...(hasBridge ? [["nmcli", "device", "delete", bridge]] : []),
    // A file that is not there takes its connection with it.
    ...(isGone || isToldOf ? [load(bridge)] : []),
    ...(isToldOf && !isGone ? [reapply(bridge)] : []),
    ...(isGone ? [removeTable(masqueradeTable(bridge))] : []),
  ],
  leftovers: (bridge) => [`/var/lib/NetworkManager/dnsmasq-${bridge}.leases`],
};

function load(bridge: string): string[] {
  return ["nmcli", "connection", "load", connectionFile(bridge)];
}

/** What goes up again loses its ports: not for a bridge that is up. */
function activate(bridge: string): string[] {
  return ["nmcli", "connection", "up", connectionName(bridge)];
}

/** Changes a bridge that is up in place. */
function reapply(bridge: string): string[] {
  return ["nmcli", "device", "reapply", bridge];
}

/** "delete" alone fails without a table; "destroy" is not known to nft 1.0.6. */
function removeTable(table: string): string[] {
  return ["nft", `add table ${table}; delete table ${table}`];
}
