/**
 * The connectors that a machine is to have, held against the machines that are there.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { readMachineSpecs } from "../machine/inventory.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { connectorUsers, requireNoCircle, whyNoConnector } from "./check_connectors.ts";
import { requireClientProgram } from "./client_folder.ts";
import type { ConnectorMachine } from "./connector_files.ts";
import { readConnectorMachines } from "./read_lent.ts";

/** All machines of a host, as far as their files can be read. */
export function readConnectors(root: string): ConnectorMachine[] {
  return readConnectorMachines(root, readMachineSpecs(root));
}

/**
 * Wants a machine to get these connectors at once.
 *
 * @throws {MbctlError} (usage) for a machine that is not there, and for a circle; (conflict) for one that lends nothing;
 * (host) where there is no program to give the machine.
 */
export function requireConnectors(
  root: string,
  client: MachineName,
  connectors: readonly MachineName[],
): void {
  if (connectors.length === 0) return;
  const machines = readConnectors(root);
  for (const server of connectors) {
    const problem = whyNoConnector(machines, client, server);
    if (problem !== undefined) throw problem;
  }
  const others = machines.filter(({ name }) => name !== client);
  requireNoCircle([...others, { name: client, connectors }]);
  requireClientProgram(root);
}

/**
 * The same for a machine that is declared: the one that lends may be made later.
 *
 * @returns what does not work yet: for a warning each.
 * @throws {MbctlError} (usage) for a circle, (host) where there is no program to give the machine.
 */
export function checkConnectors(
  root: string,
  { name, connectors }: Pick<MachineSpec, "name" | "connectors">,
): string[] {
  if (connectors.length === 0) return [];
  const machines = readConnectors(root).filter((machine) => machine.name !== name);
  requireNoCircle([...machines, { name, connectors }]);
  requireClientProgram(root);
  return connectors.flatMap((server) => whyNoConnector(machines, name, server)?.message ?? []);
}

/** The machines that use what this one lends. */
export function readConnectorUsers(root: string, server: MachineName): MachineName[] {
  return connectorUsers(readMachineSpecs(root), server);
}

/**
 * Wants nobody to use what a machine lends, before it goes.
 *
 * @param action for the message: `remove`.
 * @throws {MbctlError} (conflict) naming the machines that would lose a connector.
 */
export function requireUnused(root: string, server: MachineName, action: string): void {
  const users = readConnectorUsers(root, server);
  if (users.length === 0) return;
  const quoted = users.map((user) => `"${user}"`).join(", ");
  throw new MbctlError(
    "conflict",
    `Cannot ${action} the machine "${server}": its commands are lent to ${quoted}`,
    { hint: `mbctl connector remove ${users[0]} ${server}, or add --force` },
  );
}
