/**
 * What `machines stats` says, out of two samples and the disk.
 *
 * @module
 */

import type { DiskUse, MachineSample } from "./read_stats.ts";

/** One machine, as `machines stats --json` gives it. What the host does not count is left out. */
export interface MachineStats extends Omit<MachineSample, "atMs">, Partial<DiskUse> {
  /** Of one processor, since the sample before: 150 for one and a half. */
  readonly cpuPercent?: number;
}

/** Joins two samples of a machine: all is of the later one, the share of the processors of both. */
export function toStats(before: MachineSample | undefined, after: MachineSample): MachineStats {
  const { atMs, ...figures } = after;
  const usedUsec = (after.cpuUsec ?? Number.NaN) - (before?.cpuUsec ?? Number.NaN);
  const passedMs = atMs - (before?.atMs ?? Number.NaN);
  // A machine that was started again in between begins to count anew.
  const isKnown = usedUsec >= 0 && passedMs > 0;
  return isKnown ? { ...figures, cpuPercent: Math.round(usedUsec / passedMs) / 10 } : figures;
}
