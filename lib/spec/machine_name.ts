/**
 * Machine names.
 *
 * @module
 */

import type { Branded } from "../brand.ts";
import { usageError } from "../errors.ts";

/** A name that systemd takes for a machine; upper and lower case are kept. */
export type MachineName = Branded<string, "MachineName">;

/**
 * Accepts what systemd takes as the name of a machine (machine-info's host name
 * rules, sd_machine_get_class(3)): 1 to 64 ASCII letters, digits, `-` and `.`,
 * with no label empty and none that begins or ends with `-`.
 *
 * @throws {MbctlError} (usage) saying which rule is broken.
 */
export function parseMachineName(text: string): MachineName {
  const state = whyInvalid(text);
  if (state === undefined) return text as MachineName;
  throw usageError(
    `Cannot use ${JSON.stringify(text)} as a machine name: ${state}`,
    'use letters, digits, "-" and ".", as in "web-1"',
  );
}

/** Whether a text is a machine name. */
export function isMachineName(text: string): text is MachineName {
  return whyInvalid(text) === undefined;
}

function whyInvalid(text: string): string | undefined {
  if (text === "") return "it is empty";
  if (text.length > 64) return `it has ${text.length} characters, more than 64`;
  const bad = /[^A-Za-z0-9.-]/u.exec(text);
  if (bad) return `${JSON.stringify(bad[0])} is not allowed in it`;
  for (const label of text.split(".")) {
    if (label === "") return 'a "." stands at its beginning, at its end or beside another';
    if (label.startsWith("-")) return 'a "-" stands at the beginning of a part';
    if (label.endsWith("-")) return 'a "-" stands at the end of a part';
  }
  return undefined;
}

/**
 * The name of the host's end of a machine's virtual Ethernet pair, as a host
 * without systemd's long-name hash cuts it: 15 characters (IFNAMSIZ - 1).
 */
export function hostInterfaceName(name: MachineName): string {
  return `vb-${name}`.slice(0, 15);
}

/** The systemd unit of a machine. */
export function machineUnit(name: MachineName): string {
  return `systemd-nspawn@${name}.service`;
}
