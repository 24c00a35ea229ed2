import { describe, expect, test } from "bun:test";
import {
  connectorUsers,
  requireNoCircle,
  whyNoConnector,
} from "../../lib/connector/check_connectors.ts";
import type { ConnectorMachine } from "../../lib/connector/connector_files.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

/** A machine that lends these, and was given these connectors. */
const machine = (name: string, lends: string, ...connectors: string[]): ConnectorMachine => ({
  name: parseMachineName(name),
  lends: lends.split(" ").filter(Boolean),
  connectors: connectors.map(parseMachineName),
});
const long = "a".repeat(40);
const machines = [
  machine("db", "psql"),
  machine("web", "", "db", "conf"),
  machine("app", "run", "db"),
  machine(long, "x"),
];
const why = (client: string, server: string) =>
  whyNoConnector(machines, parseMachineName(client), parseMachineName(server));

describe("connectors", () => {
  test("are given of machines that are there and lend, and of no others", () => {
    const rows: readonly (readonly [client: string, server: string, state: string | undefined])[] =
      [
        ["web", "db", undefined],
        // It may be made later.
        ["new", "db", undefined],
        ["web", "nobody", "there is no such machine"],
        ["db", "web", "it lends no command"],
        ["db", "db", "it is the machine itself"],
        [`b${long}`, long, "the two names are too long for the path of a socket"],
      ];
    for (const [client, server, state] of rows) {
      const text =
        state === undefined
          ? undefined
          : `Cannot give "${client}" the connector "${server}": ${state}`;
      expect([client, server, why(client, server)?.message]).toEqual([client, server, text]);
    }
    expect(why("web", "nobody")?.hint).toBe(`these lend commands: db, app, ${long}`);
  });

  test("are used by the machines that were given them", () => {
    expect(connectorUsers(machines, parseMachineName("db")).join()).toBe("web,app");
    expect(connectorUsers(machines, parseMachineName("web"))).toEqual([]);
  });

  test("in a circle are refused, by its names", () => {
    requireNoCircle(machines);
    expect(() =>
      requireNoCircle([
        machine("a", "x", "b"),
        machine("b", "x", "c"),
        machine("c", "x", "b"),
        machine("d", "x"),
      ]),
    ).toThrow("Cannot give connectors in a circle: b -> c -> b");
  });
});
