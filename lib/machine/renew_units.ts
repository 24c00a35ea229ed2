/**
 * Machines that were made before mbctl had a firewall get it into their unit's drop-in.
 *
 * @module
 */

import { firewallScript } from "../firewall/firewall_files.ts";
import { readTextIfPresent, writeFileDurably } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import type { DerivedFile, HostState } from "../network/host_state.ts";
import { addFirewall } from "../nspawn/read_unit.ts";
import { machinePaths } from "../paths.ts";

/** The drop-ins that lack the firewall, as they are to be. One that was edited stays as it is. */
export function findOldUnits(root: string, { machines, network }: HostState): DerivedFile[] {
  return machines.flatMap(({ spec, template }) => {
    const path = machinePaths(root, spec.name).unitDropIn;
    const present = template.network.kind === "bridge" ? readTextIfPresent(path) : undefined;
    const text = addFirewall(present ?? "", network.bridge, firewallScript);
    return text === undefined ? [] : [{ path, text, mode: 0o644 }];
  });
}

/** Writes them. It counts from the next start: machines that run are not touched. */
export async function renewUnits(host: Host, state: HostState): Promise<void> {
  const files = findOldUnits(host.root, state);
  for (const { path, text, mode } of files) writeFileDurably(path, text, mode);
  if (host.isLive && files.length > 0) {
    await host.run(["systemctl", "daemon-reload"], { timeoutMs: 60_000 });
  }
}
