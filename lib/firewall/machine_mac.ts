/**
 * The MAC address of a machine: its end of its virtual Ethernet pair.
 *
 * @module
 */

import type { MachineName } from "../spec/machine_name.ts";
import { siphash24 } from "./siphash.ts";

/** CONTAINER_HASH_KEY of systemd's src/nspawn/nspawn-network.c. */
const hashKey = Uint8Array.fromHex("c3c4f919b557b21ce6cf1427039ceea2");

/**
 * The address that systemd-nspawn gives a machine (generate_mac()): 48 bits of a hash over the host's
 * machine-id and the machine's name, marked as locally administered. Who is in the machine can change it.
 *
 * @param machineId of the host, 32 hexadecimal digits (machine-id(5)).
 */
export function machineMac(machineId: string, machine: MachineName): string {
  const message = [...Uint8Array.fromHex(machineId), ...new TextEncoder().encode(machine)];
  const hash = siphash24(Uint8Array.from(message), hashKey);
  const bytes = [0n, 8n, 16n, 24n, 32n, 40n].map((shift) => Number((hash >> shift) & 255n));
  const [first = 0, ...rest] = bytes;
  // Not multicast, but local.
  return [(first & 0xfe) | 0x02, ...rest]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(":");
}
