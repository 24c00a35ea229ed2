import type { MachineName } from "../spec/machine_name.ts";
import { type EventKind, messageIds } from "./event_kinds.ts";

/** Something that happened to a machine. No part of it may hold a secret: the journal keeps it. */
export interface MachineEvent {
  readonly event: EventKind;
  readonly machine: MachineName;
  /** For people: a few words that say what happened, without the machine's name. */
  readonly message: string;
  /** More of it, for programs: `image` becomes the journal's field `MBCTL_IMAGE`. */
  readonly fields?: Readonly<Record<string, string | number | undefined>>;
  /** As in syslog(3): 3 an error, 4 a warning, 5 what matters, 6 the usual; 5 where it is left out. */
  readonly priority?: 3 | 4 | 5 | 6;
}

/**
 * The lines of one journal entry, as `logger --journald` reads them (logger(1)): `FIELD=value`.
 * Line breaks in values become blanks, so that no value begins a field of its own.
 */
export function formatEventEntry({
  event,
  machine,
  message,
  fields = {},
  priority = 5,
}: MachineEvent): string {
  const entry: Readonly<Record<string, string | number | undefined>> = {
    MESSAGE: `${machine}: ${message}`,
    MESSAGE_ID: messageIds[event],
    PRIORITY: priority,
    SYSLOG_IDENTIFIER: "mbctl",
    MBCTL_EVENT: event,
    MBCTL_MACHINE: machine,
    ...Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [`MBCTL_${fieldName(name)}`, value]),
    ),
  };
  return Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${oneLine(String(value))}\n`)
    .join("");
}

/** A name of the journal's: capitals, digits and underscores, 64 at most (journal-file.c, journal_field_valid). */
function fieldName(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2");
  return words
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, "_")
    .slice(0, 58);
}

function oneLine(text: string): string {
  return text.replace(/[\0-\x1f\x7f]+/g, " ").trim();
}
