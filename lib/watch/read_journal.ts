/**
 * Entries of the journal, as they come: nothing is held in memory.
 *
 * @module
 */

import { closeSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { makePipe } from "../host/libc.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { type JournalFields, parseJournalLine, systemdMessageIds } from "./machine_event.ts";

/**
 * Runs journalctl(1) and gives each entry.
 *
 * @param words options and matches.
 * @param end aborting it ends journalctl, and the entries.
 * @throws {CommandError} when it does not take them; (interrupted) when the user stopped us.
 */
export async function* readJournal(
  host: Host,
  words: readonly string[],
  end?: AbortSignal,
): AsyncGenerator<JournalFields> {
  const { readEnd, writeEnd } = makePipe();
  try {
    using child = host.spawn(["journalctl", "--quiet", "--no-pager", "--output=json", ...words], {
      stdout: writeEnd,
    });
    closeSync(writeEnd);
    end?.addEventListener("abort", () => child.kill());
    if (end?.aborted) child.kill();
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of Bun.file(readEnd).stream()) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const entry = parseJournalLine(line);
        if (entry !== undefined) yield entry;
      }
    }
    await child.done();
  } finally {
    closeSync(readEnd);
  }
}

/**
 * The matches of all events (journalctl(1), "Filtering"): `A B` are both, `A A` either, `+` one side or the other.
 *
 * @param units of which machines systemd's are wanted; undefined for all.
 * @param machines of which mbctl's are wanted; undefined for all.
 */
export function eventMatches(
  units: readonly MachineName[] | undefined,
  machines: readonly MachineName[] | undefined,
): string[] {
  const ofMbctl = [
    "SYSLOG_IDENTIFIER=mbctl",
    "_UID=0",
    ...(machines ?? []).map((name) => `MBCTL_MACHINE=${name}`),
  ];
  if (units?.length === 0) return ofMbctl;
  return [
    ...ofMbctl,
    "+",
    "_PID=1",
    ...systemdMessageIds.map((id) => `MESSAGE_ID=${id}`),
    ...(units ?? []).map((name) => `UNIT=${machineUnit(name)}`),
  ];
}
