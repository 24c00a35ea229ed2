/**
 * The name of a machine's port on the bridge: the host's end of its virtual Ethernet pair.
 *
 * @module
 */

import type { MachineName } from "../spec/machine_name.ts";
import { siphash24 } from "./siphash.ts";

/** IFNAMSIZ - 1 of linux/if.h. */
const maxLength = 15;
/** SHORTEN_IFNAME_HASH_KEY of systemd's src/nspawn/nspawn-network.c. */
const hashKey = Uint8Array.fromHex("e190a404a8ef4b518cccc33a9f11fca2");
const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The name that systemd-nspawn gives the port of a machine on a bridge: `vb-NAME`; of a longer one the
 * first 11 characters and 24 bits of its hash (shorten_ifname(), net.naming-scheme v245 and later).
 */
export function portName(machine: MachineName): string {
  const whole = `vb-${machine}`;
  if (whole.length <= maxLength) return whole;
  const hash = siphash24(new TextEncoder().encode(whole), hashKey);
  const digits = [18n, 12n, 6n, 0n].map((shift) => base64url[Number((hash >> shift) & 63n)]);
  return whole.slice(0, maxLength - 4) + digits.join("");
}
