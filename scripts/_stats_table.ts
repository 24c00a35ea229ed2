/**
 * The table of `machines stats`.
 *
 * @module
 */

import { formatBytes } from "../lib/cli/quantity.ts";
import type { MachineStats } from "../lib/watch/stats.ts";

/** The headings of {@linkcode statsRow}. */
export function statsHeadings(hasDisk: boolean): string[] {
  return [
    ...["NAME", "STATE", "CPU %", "CPU TIME", "MEMORY", "PEAK", "LIMIT", "TASKS"],
    ...["NET IN", "NET OUT", "READ", "WRITTEN"],
    ...(hasDisk ? ["TREE", "STORAGE"] : []),
  ];
}

/** The cells of one machine. */
export function statsRow(stats: MachineStats, hasDisk: boolean): (string | undefined)[] {
  const bytes = (value: number | undefined) =>
    value === undefined ? undefined : formatBytes(value);
  return [
    stats.name,
    stats.state,
    stats.cpuPercent?.toFixed(1),
    stats.cpuUsec === undefined ? undefined : formatSeconds(stats.cpuUsec / 1e6),
    bytes(stats.memoryBytes),
    bytes(stats.memoryPeakBytes),
    bytes(stats.memoryLimitBytes),
    stats.tasks?.toString(),
    bytes(stats.receivedBytes),
    bytes(stats.sentBytes),
    bytes(stats.readBytes),
    bytes(stats.writtenBytes),
    ...(hasDisk ? [bytes(stats.treeBytes), bytes(stats.storageBytes)] : []),
  ];
}

/** `1.25s`, `12m05s`, `3h02m`. */
function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(2)}s`;
  const pad = (value: number) => `${Math.floor(value)}`.padStart(2, "0");
  return seconds < 3600
    ? `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`
    : `${Math.floor(seconds / 3600)}h${pad((seconds % 3600) / 60)}m`;
}
