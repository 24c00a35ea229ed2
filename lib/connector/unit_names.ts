/**
 * The names of the units by which one machine calls commands of another. `_` stands between the names: no machine's
 * name holds one.
 *
 * @module
 */

import { isMachineName, type MachineName } from "../spec/machine_name.ts";

/** Who calls: a machine, or the host itself. */
export type Caller = MachineName | typeof hostCaller;

/** Stands in the place of a machine's name. */
export const hostCaller = "_host_";

/** The units of a pair, without `.socket` and `.service`. */
export function connectorUnit(client: Caller, server: MachineName): string {
  return `mbctl-connector_${client}_${server}`;
}

/** The pair that a unit file belongs to; undefined when it is none of ours. */
export function connectorPair(
  fileName: string,
): { readonly client: Caller; readonly server: MachineName } | undefined {
  const found = /^mbctl-connector_(_host_|[^_@]+)_([^_@]+)\.(?:socket|service)$/.exec(fileName);
  const [, client = "", server = ""] = found ?? [];
  if (!isCaller(client) || !isMachineName(server)) return undefined;
  return { client, server };
}

/** Whether a word names who may call. */
function isCaller(word: string): word is Caller {
  return word === hostCaller || isMachineName(word);
}
