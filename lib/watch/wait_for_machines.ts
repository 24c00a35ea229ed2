/**
 * Waits until machines are in a state. The journal wakes us, systemd and the health report decide; as an
 * entry may be lost, both are asked every second too.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { readHealth } from "../health/read_health.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readUnitStates, type UnitState } from "../host/systemd.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { readEvent } from "./machine_event.ts";
import { eventMatches, readJournal } from "./read_journal.ts";

export const waitConditions = ["stopped", "running", "healthy", "unhealthy"] as const;
export type WaitCondition = (typeof waitConditions)[number];

/** A machine that is in the state. */
export interface WaitedMachine {
  readonly name: MachineName;
  readonly condition: WaitCondition;
  /** How its program ended last, 128 and the number for a signal; for "stopped" alone. */
  readonly exitCode?: number;
}

const askAgainMs = 1000;

/**
 * Waits for all of them.
 *
 * @param onReached told of each once.
 * @throws {MbctlError} (failed) when the time is over, (interrupted) when the user stopped us.
 */
export async function waitForMachines(
  host: Host,
  names: readonly MachineName[],
  condition: WaitCondition,
  { timeoutMs = Number.POSITIVE_INFINITY, signal }: { timeoutMs?: number; signal: AbortSignal },
  onReached: (machine: WaitedMachine) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const waiting = new Set(names);
  const exitCodes = new Map<MachineName, number>();
  let wake = () => {};
  signal.addEventListener("abort", () => wake());
  const ended = new AbortController();
  const words = ["--follow", "--lines=0", ...eventMatches(names, names)];
  const journal = follow(host, words, ended.signal, (name, exitCode) => {
    if (exitCode !== undefined) exitCodes.set(name, exitCode);
    wake();
  });
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const units = await readUnitStates(host.run, [...waiting]);
      for (const name of [...waiting]) {
        const unit = units.get(name);
        if (!isReached(host, name, unit, condition)) continue;
        waiting.delete(name);
        const exitCode =
          condition === "stopped" ? exitCodeOf(unit, exitCodes.get(name)) : undefined;
        onReached({ name, condition, ...(exitCode === undefined ? {} : { exitCode }) });
      }
      if (waiting.size === 0) return;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw timedOut([...waiting], condition);
      const timer = setTimeout(() => wake(), Math.min(askAgainMs, leftMs));
      await woken;
      clearTimeout(timer);
      signal.throwIfAborted();
    }
  } finally {
    ended.abort();
    await journal;
  }
}

/** Tells of each event until the end is signalled; a journal that cannot be read tells of none. */
async function follow(
  host: Host,
  words: readonly string[],
  end: AbortSignal,
  onEvent: (name: MachineName, exitCode: number | undefined) => void,
): Promise<void> {
  const entries = readJournal(host, words, end);
  try {
    for await (const entry of entries) {
      const event = readEvent(entry);
      if (event === undefined) continue;
      const { exitCode, exitStatus } = event.fields;
      const status = Number(exitStatus);
      const isExit = event.source === "systemd" && event.event === "exit";
      const code = exitCode === "exited" ? status : 128 + status;
      onEvent(event.machine, isExit ? code : undefined);
    }
  } catch {
    // We ask every second all the same.
  }
}

function isReached(
  host: Host,
  name: MachineName,
  unit: UnitState | undefined,
  condition: WaitCondition,
): boolean {
  if (condition === "stopped") return isStopped(unit);
  if (condition === "running") return unit?.active === "active";
  return readHealth(host.root, name, unit)?.state === condition;
}

/** What systemd still knows; it forgets when a unit is reset, and the journal has told us before. */
function exitCodeOf(unit: UnitState | undefined, heard: number | undefined): number {
  const isSignal = unit?.result === "signal" || unit?.result === "core-dump";
  const known = isSignal ? 128 + unit.exitStatus : (unit?.exitStatus ?? 0);
  return known === 0 ? (heard ?? 0) : known;
}

function timedOut(names: readonly MachineName[], condition: WaitCondition): MbctlError {
  const those = names.map((name) => `"${name}"`).join(", ");
  return new MbctlError(
    "failed",
    `Cannot wait any longer for ${those}: the time is over, and ${names.length === 1 ? "it is" : "they are"} not ${condition}`,
    { hint: `mbctl machines events ${names[0] ?? ""} says what happened` },
  );
}
