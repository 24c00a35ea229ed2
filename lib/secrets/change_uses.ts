/**
 * Changes of `[[secrets]]` in a machine's machine.toml, applied at once.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import { planEdit } from "../declare/plan_edit.ts";
import type { Host } from "../host/host.ts";
import type { MachineName } from "../spec/machine_name.ts";

/**
 * Plans an edit of machine.toml. It counts from the machine's next start.
 *
 * @param edit gets the text of machine.toml, and returns what it is to be.
 * @returns undefined when nothing changes.
 * @throws {MbctlError} as {@linkcode planEdit}.
 */
export async function planUses(
  host: Host,
  name: MachineName,
  edit: (text: string) => string,
  warn: (text: string) => void,
): Promise<Change | undefined> {
  return (await planEdit(host, name, `the secrets of "${name}"`, edit, warn))?.change;
}
