/**
 * A machine's name in the texts that hold it: machine.toml, the nspawn file, the env file, units. Whatever else
 * stands in them stays as it is, byte for byte, so an administrator's edits and mbctl's own rendering are renamed alike.
 *
 * @module
 */

import { parse } from "smol-toml";
import { joinAddress, formatIpv6, parseIpv6, prefixOf, suffixOf } from "../address/ipv6.ts";
import { machineSuffix } from "../address/machine_address.ts";
import { connectorFolders } from "../connector/connector_paths.ts";
import { setConfigValue } from "../config/edit_config.ts";
import { MbctlError, usageError } from "../errors.ts";
import { foldersBelow } from "../paths.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";

/** Who gets another name. */
export interface Renaming {
  readonly from: MachineName;
  readonly to: MachineName;
}

/** Where units of machines keep what they hand over while these run: lib/nspawn/secret_unit.ts, unit_devices.ts. */
const runtimeFolders = ["secrets", "devices", "netns"].map((name) => `/run/mbctl/${name}`);

/** Renames a machine in its nspawn file or in a unit: its folders, its units. */
export function renameInUnit(text: string, { from, to }: Renaming): string {
  const { configurations, storage, trees, machines } = foldersBelow("/");
  const { callers } = connectorFolders("/");
  const paths = [configurations, storage, trees, machines, callers, ...runtimeFolders].reduce(
    (result, folder) => replaceWhole(result, `${folder}/${from}`, `${folder}/${to}`),
    text,
  );
  return renameUnits(paths, { from, to });
}

/**
 * Renames the units of a machine that others name, in `After=` for instance: its own, and those that mbctl derives,
 * `mbctl-health_NAME.timer` or `mbctl-publish_NAME_8080.socket`. No name holds a `_`.
 */
export function renameUnits(text: string, { from, to }: Renaming): string {
  const end = "(?=[_@\\s]|$|\\.(?:service|socket|timer)(?:\\s|$))";
  const derived = new RegExp(`(\\bmbctl-[a-z0-9-]+_)${escapePattern(from)}${end}`, "gm");
  return replaceWhole(text, machineUnit(from), machineUnit(to)).replaceAll(
    derived,
    (_, start: string) => `${start}${to}`,
  );
}

/** Replaces what ends where a name ends: `web` is not meant in `web-2`. */
function replaceWhole(text: string, from: string, to: string): string {
  return text.replaceAll(
    new RegExp(`${escapePattern(from)}(?![A-Za-z0-9-]|\\.[A-Za-z0-9])`, "g"),
    () => to,
  );
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const addresses = /^(MAN8S_YGGDRASIL_ADDRESS|MAN8S_ULA_ADDRESS)=(.*)$/;

/** Renames a machine in its env file: its name, and the addresses that follow from it. */
export function renameInEnvFile(text: string, { from, to }: Renaming): string {
  return text
    .split("\n")
    .map((line) => {
      if (line === `MAN8S_CONTAINER_NAME=${from}`) return `MAN8S_CONTAINER_NAME=${to}`;
      const [, key, value = ""] = addresses.exec(line) ?? [];
      return key === undefined ? line : `${key}=${renameAddress(value, { from, to })}`;
    })
    .join("\n");
}

/** One that somebody has chosen, and that does not follow from the name, stays. */
function renameAddress(text: string, { from, to }: Renaming): string {
  try {
    const address = parseIpv6(text);
    if (suffixOf(address) !== machineSuffix(from)) return text;
    return formatIpv6(joinAddress(prefixOf(address), machineSuffix(to)));
  } catch (error) {
    if (error instanceof MbctlError) return text;
    throw error;
  }
}

/**
 * Renames a machine in its machine.toml; comments stay.
 *
 * @param file its path, for messages.
 * @throws {MbctlError} (usage) when it is written in a way that this edit does not know.
 */
export function renameInMachineToml(text: string, file: string, { to }: Renaming): string {
  return setInMachineToml(text, file, "name", to);
}

/**
 * Sets a value at the top of a machine.toml; comments stay.
 *
 * @param file its path, for messages.
 * @throws {MbctlError} (usage) when it is written in a way that this edit does not know.
 */
export function setInMachineToml(
  text: string,
  file: string,
  key: string,
  value: string | readonly string[],
): string {
  try {
    return setConfigValue(text, key, value);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    const state = "it is written in a way that mbctl does not edit";
    throw usageError(`Cannot set ${key} in "${file}": ${state}`, error.hint);
  }
}

/**
 * Renames a machine where another's machine.toml names it: `depends`, `connectors`, and `allow` as `NAME@HOST`.
 *
 * @param hostName what rules call this host.
 * @throws {MbctlError} (usage) when it is written in a way that this edit does not know.
 */
export function renameInOther(
  text: string,
  file: string,
  { from, to }: Renaming,
  hostName: string,
): string {
  const renameWord = (key: string, word: unknown): unknown => {
    if (typeof word !== "string") return word;
    if (key !== "allow") return word === from ? to : word;
    const own = `${from}@${hostName}`;
    return word === own || word.startsWith(`${own}:`) ? `${to}${word.slice(from.length)}` : word;
  };
  const wanted: Record<string, unknown> = parse(text);
  let isNamed = false;
  for (const key of ["depends", "connectors", "allow"]) {
    const words = wanted[key];
    if (!Array.isArray(words)) continue;
    const renamed = words.map((word) => renameWord(key, word));
    isNamed ||= !Bun.deepEquals(words, renamed);
    wanted[key] = renamed;
  }
  if (!isNamed) return text;
  // Of a list: everything up to the bracket that ends it. No word that we look for holds one.
  const edited = text.replaceAll(
    /^([ \t]*)(depends|connectors|allow)([ \t]*=[ \t]*\[)([^\]]*)/gm,
    (...found) => {
      const [, blank, key, bracket, words] = found as [string, string, string, string, string];
      const renamed = words.replaceAll(
        /"([^"\\\n]*)"|'([^'\n]*)'/g,
        (quoted: string, one?: string, two?: string) =>
          `${quoted[0]}${renameWord(key, one ?? two)}${quoted[0]}`,
      );
      return `${blank}${key}${bracket}${renamed}`;
    },
  );
  if (Bun.deepEquals(wanted, parse(edited))) return edited;
  throw usageError(
    `Cannot rename "${from}" in "${file}": it is written in a way that mbctl does not edit`,
    `write "${to}" there yourself in depends, connectors and allow, then run the command again`,
  );
}
