/**
 * Machines and hosts as a user names them: `web`, `web@hostb`, `hostb`.
 *
 * @module
 */

import type { TrustedHost } from "../address/trusted_host.ts";
import { type MbctlError, usageError } from "../errors.ts";
import { isMachineName, type MachineName, parseMachineName } from "../spec/machine_name.ts";

export interface QualifiedName {
  readonly name: MachineName;
  /** The host that it is on; without, this one. */
  readonly host?: string | undefined;
}

/**
 * Reads `NAME` or `NAME@HOST`. Whether there is such a host is not looked at.
 *
 * @throws {MbctlError} (usage)
 */
export function parseQualifiedName(text: string): QualifiedName {
  const at = text.indexOf("@");
  if (at < 0) return { name: parseMachineName(text) };
  const host = text.slice(at + 1);
  if (isMachineName(host)) return { name: parseMachineName(text.slice(0, at)), host };
  throw usageError(
    `Cannot read ${JSON.stringify(text)}: ${JSON.stringify(host)} is no name for a host`,
    "write NAME or NAME@HOST, as in web@hostb",
  );
}

/** Finds a host of config.toml by its name, in which upper and lower case are the same. */
export function findHost(hosts: readonly TrustedHost[], name: string): TrustedHost | undefined {
  return hosts.find((host) => host.name.toLowerCase() === name.toLowerCase());
}

/** The error for a host that config.toml does not name. */
export function unknownHost(name: string, hosts: readonly TrustedHost[]): MbctlError {
  const known = hosts.map((host) => host.name).join(", ");
  return usageError(
    `Cannot find the host "${name}": config.toml does not name it`,
    known === ""
      ? `mbctl address import --ssh ${name} --trust adds it`
      : `there are: ${known}; mbctl address import --ssh ${name} --trust adds it`,
  );
}
