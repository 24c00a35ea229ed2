/**
 * Which programs relay on a host.
 *
 * @module
 */

import { unitCommand } from "../host/self.ts";
import type { RelayTools } from "./relay_service.ts";

/** Where systemd has it on all that merged /usr, Debian 12 and later among them. */
const socketProxyd = "/usr/lib/systemd/systemd-socket-proxyd";

/** @param root where the host's file system begins. */
export function findRelayTools(root: string): RelayTools {
  return { socketProxyd, ownRelay: unitCommand(root, "relay") };
}
