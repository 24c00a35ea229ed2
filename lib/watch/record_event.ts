import type { Host } from "../host/host.ts";
import { formatEventEntry, type MachineEvent } from "./event_entry.ts";

/** The journal takes an entry in a millisecond, or its daemon hangs. */
const timeoutMs = 5000;

/**
 * Writes an event to the journal, by logger(1) of util-linux: `mbctl machines events` shows it. The work
 * that it tells of is done already, so it never fails, and Ctrl-C does not end it. Below `--root` it does nothing.
 */
export async function recordEvent(host: Host, event: MachineEvent): Promise<void> {
  if (!host.isLive) return;
  try {
    await host.run(["logger", "--journald"], {
      input: formatEventEntry(event),
      timeoutMs,
      signal: new AbortController().signal,
      isUndisturbed: true,
    });
  } catch {
    // Without a journal there is nobody to tell.
  }
}
