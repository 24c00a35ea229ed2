/**
 * Which backend a host has.
 *
 * @module
 */

import type { Backend } from "./backend.ts";
import { networkManager } from "./network_manager.ts";
import { networkd } from "./networkd.ts";
import type { BackendName } from "./record.ts";
import type { UnitFacts } from "./units.ts";

/** All that there are. */
const backends: Readonly<Record<BackendName, Backend>> = {
  networkd,
  networkmanager: networkManager,
};

/** The service that says which backend a host has. */
export const networkManagerUnit = "NetworkManager.service";

/** The backend of this name. */
export function backendNamed(name: BackendName): Backend {
  return backends[name];
}

/** Who manages a host's network: NetworkManager where it runs and systemd-networkd does not. */
export function detectBackend(units: ReadonlyMap<string, UnitFacts>): BackendName {
  const isActive = (unit: string) => units.get(unit)?.isActive === true;
  const isNetworkManagers = isActive(networkManagerUnit) && !networkd.units.some(isActive);
  return isNetworkManagers ? "networkmanager" : "networkd";
}
