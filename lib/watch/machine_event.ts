/**
 * What happened to machines, out of entries of the journal: mbctl's own events, and what systemd says of
 * the machines' units.
 *
 * @module
 */

import { isMachineName, type MachineName } from "../spec/machine_name.ts";

/** One event, as `machines events --json` gives it on a line. */
export interface RecordedEvent {
  /** ISO 8601, in UTC, with milliseconds. */
  readonly time: string;
  readonly machine: MachineName;
  /** For systemd: start, stop, exit, fail, restart, oom. For mbctl: a kind of event_kinds.ts. */
  readonly event: string;
  readonly source: "systemd" | "mbctl";
  /** For people, in a few words. */
  readonly message: string;
  /** For programs: `exitStatus`, `result`, and what the event of mbctl's had. Always texts. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Fields of one entry (systemd.journal-fields(7)). Those that are no text are left out. */
export type JournalFields = ReadonlyMap<string, string>;

/** Reads a line of `journalctl --output=json`; undefined for what is no entry. */
export function parseJournalLine(line: string): JournalFields | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const entries: [string, unknown][] = Object.entries(JSON.parse(line));
    return new Map(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  } catch {
    return undefined;
  }
}

/** The event in an entry; undefined for one that tells of nothing, or that somebody else wrote. */
export function readEvent(entry: JournalFields): RecordedEvent | undefined {
  const microseconds = Number(entry.get("__REALTIME_TIMESTAMP"));
  const found = ofMbctl(entry) ?? ofSystemd(entry);
  if (found === undefined || !Number.isSafeInteger(microseconds)) return undefined;
  return { time: new Date(Math.floor(microseconds / 1000)).toISOString(), ...found };
}

type Found = Omit<RecordedEvent, "time">;

/** Fields that begin with `_` are the journal's own: nobody but root can have written such an entry. */
function ofMbctl(entry: JournalFields): Found | undefined {
  const [event, machine] = [entry.get("MBCTL_EVENT"), entry.get("MBCTL_MACHINE") ?? ""];
  if (event === undefined || !isMachineName(machine) || entry.get("_UID") !== "0") return undefined;
  const message = entry.get("MESSAGE") ?? "";
  return {
    machine,
    event,
    source: "mbctl",
    message: message.startsWith(`${machine}: `) ? message.slice(machine.length + 2) : message,
    fields: Object.fromEntries(
      [...entry]
        .filter(([name]) => /^MBCTL_(?!EVENT$|MACHINE$)/.test(name))
        .map(([name, value]) => [camelCase(name.slice("MBCTL_".length)), value]),
    ),
  };
}

/** The MESSAGE_IDs of systemd (sd-messages.h), the same since version 200 or so. */
const ofUnits: Readonly<Record<string, (entry: JournalFields) => Partial<Found> | undefined>> = {
  "39f53479d3a045ac8e11786248231fbf": () => ({ event: "start", message: "started" }),
  "9d1aaa27d60140bd96365438aad20286": () => ({ event: "stop", message: "stopped" }),
  "98e322203f7a4ed290d09fe03c09fe15": exit,
  d9b373ed55a64feb8242e02dbe79a49c(entry) {
    const result = entry.get("UNIT_RESULT") ?? "unknown";
    return { event: "fail", message: `failed: ${result}`, fields: { result } };
  },
  "5eb03494b6584870a536b337290809b2": () => ({
    event: "restart",
    message: "systemd starts it again",
  }),
  fe6faa94e7774663a0da52717891d8ef: () => ({ event: "oom", message: "ran out of memory" }),
};

/** The ids of {@linkcode readEvent}, for a filter of journalctl. */
export const systemdMessageIds = Object.keys(ofUnits);

function ofSystemd(entry: JournalFields): Found | undefined {
  const machine = /^systemd-nspawn@(.+)\.service$/.exec(entry.get("UNIT") ?? "")?.[1] ?? "";
  const id = entry.get("MESSAGE_ID") ?? "";
  const read = Object.hasOwn(ofUnits, id) ? ofUnits[id] : undefined;
  if (entry.get("_PID") !== "1" || !isMachineName(machine) || read === undefined) return undefined;
  const found = read(entry);
  if (found === undefined) return undefined;
  return { machine, event: "", source: "systemd", message: "", fields: {}, ...found };
}

/** Of nspawn itself, whose exit status is the program's; not of ExecStartPre= and its kin. */
function exit(entry: JournalFields): Partial<Found> | undefined {
  if (entry.get("COMMAND") !== "ExecStart") return undefined;
  const [code = "", status = ""] = [entry.get("EXIT_CODE"), entry.get("EXIT_STATUS")];
  const message = code === "exited" ? `exited with ${status}` : `${code} by signal ${status}`;
  return { event: "exit", message, fields: { exitCode: code, exitStatus: status } };
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
