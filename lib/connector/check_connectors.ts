/**
 * Whether machines may be given the connectors that they want. Pure.
 *
 * @module
 */

import { MbctlError, usageError } from "../errors.ts";
import { findCycle } from "../spec/depends_cycle.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { ConnectorMachine } from "./connector_files.ts";
import { fitsSocket } from "./connector_paths.ts";

type Uses = Pick<ConnectorMachine, "name" | "connectors">;

/**
 * Wants no machine to lend, over others, to itself: whoever broke into one of them would have a way into all.
 *
 * @throws {MbctlError} (usage) naming the circle.
 */
export function requireNoCircle(machines: readonly Uses[]): void {
  const cycle = findCycle(machines.map(({ name, connectors }) => ({ name, depends: connectors })));
  if (cycle === undefined) return;
  throw usageError(
    `Cannot give connectors in a circle: ${[...cycle, ...cycle.slice(0, 1)].join(" -> ")}`,
    "take one of them out of connectors",
  );
}

/** The machines that were given a machine's connector. */
export function connectorUsers(machines: readonly Uses[], server: MachineName): MachineName[] {
  return machines.filter(({ connectors }) => connectors.includes(server)).map(({ name }) => name);
}

/** Why a machine cannot be given a connector; undefined when it can. */
export function whyNoConnector(
  machines: readonly ConnectorMachine[],
  client: MachineName,
  server: MachineName,
): MbctlError | undefined {
  const cannot = `Cannot give "${client}" the connector "${server}"`;
  if (client === server) {
    return usageError(`${cannot}: it is the machine itself`, "it has its own commands");
  }
  const found = machines.find(({ name }) => name === server);
  if (found === undefined) {
    const lenders = machines.filter(({ name, lends }) => lends.length > 0 && name !== client);
    return usageError(
      `${cannot}: there is no such machine`,
      lenders.length === 0
        ? "no machine lends a command: mbctl machines pull --lend COMMAND IMAGE NAME makes one"
        : `these lend commands: ${lenders.map(({ name }) => name).join(", ")}`,
    );
  }
  if (found.lends.length === 0) {
    return new MbctlError("conflict", `${cannot}: it lends no command`, {
      hint: `mbctl machines edit ${server}, and write: lend = { COMMAND = ["/path/to/PROGRAM"] }`,
    });
  }
  if (!fitsSocket(client, server)) {
    return usageError(
      `${cannot}: the two names are too long for the path of a socket`,
      "mbctl machines rename gives one of them a shorter name",
    );
  }
  return undefined;
}
