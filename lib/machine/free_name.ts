/**
 * Whether a name can be that of a new machine.
 *
 * @module
 */

import { isReservedSuffix, machineSuffix } from "../address/machine_address.ts";
import { MbctlError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { cutsInterfaceNames } from "../host/naming_scheme.ts";
import { whyTaken } from "../names/taken_name.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { findClashes, findUses, listMachineNames } from "./inventory.ts";
import { machinePaths } from "../paths.ts";

/**
 * Wants nothing to go by a name. Looked at first, and again when the user has
 * answered all questions: taking back a failed pull clears the name.
 *
 * @throws {MbctlError} (conflict) listing all that was found.
 */
export async function requireFreeName(host: Host, name: MachineName): Promise<void> {
  const uses = await findUses(host, name);
  if (uses.length === 0) return;
  const isMachine = nameExists(machinePaths(host.root, name).machineToml);
  throw new MbctlError(
    "conflict",
    `Cannot make the machine "${name}": the name is in use by ${uses.join(", ")}`,
    {
      hint: isMachine
        ? `it is a machine already: mbctl machines start ${name}; for a new one choose another name, or first: mbctl machines remove ${name}`
        : "choose another name, or remove what is listed: mbctl did not make it",
    },
  );
}

/**
 * Wants no other machine to get in a new one's way.
 *
 * @param former what the machine was called until now.
 * @throws {MbctlError} (conflict) when another machine has its address or its network interface, or its name would lead to
 * another.
 */
export function requireNoClash(host: Host, name: MachineName, former?: MachineName): void {
  const { domain, hosts } = host.config;
  const machines = listMachineNames(host.root).filter((machine) => machine !== former);
  const reason = whyTaken(name, { hostName: host.name, domain, hosts, machines });
  if (reason !== undefined) {
    throw new MbctlError("conflict", `Cannot make the machine "${name}": ${reason}`, {
      hint: "choose another name",
    });
  }
  const clashes = findClashes(host.root, name, former);
  if (clashes.suffix !== undefined || isReservedSuffix(machineSuffix(name))) {
    const other = clashes.suffix === undefined ? "the bridge" : `the machine "${clashes.suffix}"`;
    throw new MbctlError(
      "conflict",
      `Cannot make the machine "${name}": its address is that of ${other}`,
      { hint: "choose another name" },
    );
  }
  if (clashes.interface === undefined || !cutsInterfaceNames(host.root)) return;
  throw new MbctlError(
    "conflict",
    `Cannot make the machine "${name}": its network interface would be that of the machine "${clashes.interface}"`,
    {
      hint: "choose a name that differs in its first 12 characters, or boot the host without its old net.naming-scheme=",
    },
  );
}
