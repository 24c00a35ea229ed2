/**
 * Reads back what a drop-in of machine_unit.ts was rendered from, and renews one of an older mbctl.
 *
 * @module
 */

import { parseSignal, type SignalName } from "../signal.ts";
import { renderUnitDropIn } from "./machine_unit.ts";

export interface StopSettings {
  readonly stopSignal: SignalName;
  readonly stopTimeoutSec: number;
}

/** How the program is stopped, which only the image knew; a comment says it. Undefined where there is none of ours. */
export function readStopSettings(text: string): StopSettings | undefined {
  const [, signal = "", seconds] =
    /^# Stop: (SIG\S+) to the program .* SIGKILL after ([1-9]\d*) s\./m.exec(text) ?? [];
  if (seconds === undefined || !isSignal(signal)) return undefined;
  return { stopSignal: parseSignal(signal), stopTimeoutSec: Number(seconds) };
}

/**
 * Puts the firewall into the drop-in of a machine that was made before there was one.
 *
 * @returns undefined where it has one, is for another bridge, or was edited.
 */
export function addFirewall(text: string, bridge: string, firewall: string): string | undefined {
  const stop = readStopSettings(text);
  if (stop === undefined || renderUnitDropIn({ ...stop, bridge }) !== text) return undefined;
  return renderUnitDropIn({ ...stop, bridge, firewall });
}

function isSignal(text: string): boolean {
  try {
    return parseSignal(text) === text;
  } catch {
    return false;
  }
}
