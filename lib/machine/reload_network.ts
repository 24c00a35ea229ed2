/**
 * A whole system that runs is told that its network file has changed.
 *
 * @module
 */

import { findSystemd } from "../apps/machine_systemd.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { MachineName } from "../spec/machine_name.ts";

/** networkctl(1) waits for networkd, which has only files to read. */
const reloadTimeoutMs = 15_000;

/**
 * Has its systemd-networkd read the file again, and give the interface what is new in it; what was given already stays. A
 * failure is a warning: the addresses are there, and the file counts from the machine's next start.
 */
export async function reloadNetwork(
  host: Host,
  name: MachineName,
  warn: (text: string) => void,
): Promise<void> {
  try {
    const systemd = await findSystemd(host, name, reloadTimeoutMs);
    await systemd?.networkctl(["reload"]);
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    warn(`the networkd of "${name}" was not told of its new addresses: ${error.message}`);
  }
}
