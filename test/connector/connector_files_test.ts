import { describe, expect, test } from "bun:test";
import {
  type ConnectorMachine,
  connectorFiles,
  connectorPairs,
} from "../../lib/connector/connector_files.ts";
import { connectorPair, connectorUnit, hostCaller } from "../../lib/connector/unit_names.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { expectGolden } from "../golden/golden.ts";

const machine = (name: string, lends: string, ...connectors: string[]): ConnectorMachine => ({
  name: parseMachineName(name),
  lends: lends.split(" ").filter(Boolean),
  connectors: connectors.map(parseMachineName),
});
const serve = ["/usr/local/bin/mbctl", "--mbctl-internal=connector-serve"];

describe("connectorFiles()", () => {
  test("a pair of machines, and the host", () => {
    const pairs = connectorPairs([machine("db", "psql pg_dump"), machine("web-1.x", "", "db")]);
    const text = connectorFiles(pairs, serve)
      .map(({ path, text, mode }) => `==> ${path} (${mode.toString(8)}) <==\n${text}\n`)
      .join("");
    expectGolden("connector/pair.txt", text);
  });

  test("nobody lends: nothing", () => {
    expect(connectorFiles(connectorPairs([machine("web", "", "db")]), serve)).toEqual([]);
  });

  test("a path of mbctl that a unit cannot hold is refused", () => {
    const pairs = connectorPairs([machine("db", "psql")]);
    expect(() => connectorFiles(pairs, ["/opt/my tools/mbctl"])).toThrow("Cannot write");
  });
});

describe("connectorPairs()", () => {
  test("leaves out who is not there, who lends nothing, a machine with itself, and names that are too long", () => {
    const long = "a".repeat(50);
    const pairs = connectorPairs([
      machine("db", "psql", "db", "gone"),
      machine("web", "", "db", "idle", "gone"),
      machine("idle", ""),
      machine(long, "x", "db"),
      machine(`${long}b`, "", long, "db"),
    ]);
    expect(pairs.map(({ client, server }) => `${client} ${server}`)).toEqual([
      "_host_ db",
      "web db",
      `${long} db`,
      `${long}b db`,
      `_host_ ${long}`,
    ]);
  });
});

describe("the names of units", () => {
  test("say which pair they are of", () => {
    const [web, db] = [parseMachineName("web-1.x"), parseMachineName("db")];
    for (const client of [web, hostCaller] as const) {
      const unit = connectorUnit(client, db);
      for (const end of ["socket", "service"]) {
        expect(connectorPair(`${unit}.${end}`)).toEqual({ client, server: db });
      }
    }
    for (const name of [
      "mbctl-connector_db.socket",
      "mbctl-connector_web_db.timer",
      "mbctl-connector_web_db_x.socket",
      "mbctl-connector_-_db.socket",
      "mbctl-connector_web__host_.socket",
      "mbctl-health_web.service",
    ]) {
      expect([name, connectorPair(name)]).toEqual([name, undefined]);
    }
  });
});
