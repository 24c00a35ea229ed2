/**
 * Whether a machine's unit drop-in is the one that this mbctl writes.
 *
 * @module
 */

import { firewallScript } from "../firewall/firewall_files.ts";
import type { NetworkKind } from "../network/template.ts";
import { renderUnitDropIn } from "../nspawn/machine_unit.ts";
import { readStopSettings } from "../nspawn/read_unit.ts";

/**
 * Renders the drop-in anew and compares. What only the image knows, the signal that stops its program, is
 * taken from the text, as is the time that it may take: both are said in a comment.
 *
 * @returns what is wrong with it, undefined when nothing is.
 */
export function whyNotCurrent(
  text: string,
  network: NetworkKind,
  bridge: string,
): string | undefined {
  if (network.kind === "bridge" && !text.includes(`\nExecStartPre=nft -f ${firewallScript}\n`)) {
    return "it starts without its firewall";
  }
  const other = "not what this mbctl writes";
  const stop = readStopSettings(text);
  if (stop === undefined) return other;
  const rendered = renderUnitDropIn({
    ...stop,
    ...(network.kind === "bridge" ? { bridge, firewall: firewallScript } : {}),
    macvlan: network.kind === "macvlan" ? network : undefined,
  });
  return rendered === text ? undefined : other;
}
