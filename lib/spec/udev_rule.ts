/**
 * Rules for udev(7) that give a device of the host a group and a mode. mbctl prints them, and installs none: who may open a
 * device on the host is the administrator's to decide.
 *
 * @module
 */

/** A node of the host, as it is. */
export interface NodeFacts {
  /** Its name below /dev: `ttyUSB0`, `snd/timer`. */
  readonly name: string;
  /** `tty`, `block`…; undefined where sysfs does not say. */
  readonly subsystem: string | undefined;
  /** What udev knows of it: `ID_VENDOR_ID`, `ID_MODEL_ID`, `ID_SERIAL_SHORT`… */
  readonly properties: Readonly<Record<string, string>>;
  /** By name, or as a number. */
  readonly group: string;
  /** Permission bits. */
  readonly mode: number;
}

/** What tells one device from others of its kind, best first; those of a set only together. */
const identities: readonly (readonly string[])[] = [
  ["ID_VENDOR_ID", "ID_MODEL_ID", "ID_SERIAL_SHORT"],
  ["ID_VENDOR_ID", "ID_MODEL_ID"],
  ["ID_SERIAL"],
];

/** The rule that sets what the node has now: a text to edit. By what the device is, where udev knows that, else by its name. */
export function nodeRule({ name, subsystem, properties, group, mode }: NodeFacts): string {
  const keys = identities.find((set) =>
    set.every((key) => /^[\w .:#+-]+$/.test(properties[key] ?? "")),
  );
  return [
    ...(subsystem === undefined ? [] : [`SUBSYSTEM=="${subsystem}"`]),
    ...(keys === undefined
      ? [`KERNEL=="${name.slice(name.lastIndexOf("/") + 1)}"`]
      : keys.map((key) => `ENV{${key}}=="${properties[key]}"`)),
    `GROUP="${group}"`,
    `MODE="${mode.toString(8).padStart(4, "0")}"`,
  ].join(", ");
}

/** The same for all nodes of a class: `char-ttyUSB`. */
export function classRule(source: string): string {
  const [, kind, name = ""] = /^(char|block)-(.*)$/.exec(source) ?? [];
  const isBlock = kind === "block" ? 'SUBSYSTEM=="block", ' : "";
  return `${isBlock}KERNEL=="${name.replace(/\*+$/, "")}*", GROUP="root", MODE="0660"`;
}
