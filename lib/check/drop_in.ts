/**
 * Whether a machine's unit drop-in is the one that mbctl wrote.
 *
 * @module
 */

import { firewallScript } from "../firewall/firewall_files.ts";
import type { NetworkKind } from "../network/template.ts";
import { renderUnitDropIn } from "../nspawn/machine_unit.ts";
import { readStopSettings } from "../nspawn/read_unit.ts";

export interface DropInChange {
  readonly state: string;
  /** An administrator's own, which counts and stays. */
  readonly isEdit: boolean;
}

/**
 * Compares the drop-in with what mbctl rendered. A machine of an older mbctl has no copy of that: then it is rendered
 * anew. What only the image knows, the signal that stops its program, is
 * taken from the text, as is the time that it may take: both are said in a comment.
 *
 * @returns what is wrong with it, undefined when nothing is.
 */
export function howChanged(
  text: string,
  lastRendered: string | undefined,
  network: NetworkKind,
  bridge: string,
): DropInChange | undefined {
  if (network.kind === "bridge" && !text.includes(`\nExecStartPre=nft -f ${firewallScript}\n`)) {
    return { state: "it starts without its firewall", isEdit: false };
  }
  if (lastRendered !== undefined) {
    return text === lastRendered ? undefined : { state: "it was edited by hand", isEdit: true };
  }
  const other = { state: "not what this mbctl writes", isEdit: false };
  const stop = readStopSettings(text);
  if (stop === undefined) return other;
  const rendered = renderUnitDropIn({
    ...stop,
    ...(network.kind === "bridge" ? { bridge, firewall: firewallScript } : {}),
    macvlan: network.kind === "macvlan" ? network : undefined,
  });
  return rendered === text ? undefined : other;
}
