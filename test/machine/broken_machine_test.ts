/** Machines whose files somebody broke: they are told, and do not hide the others. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canPull, OuterHost } from "./_outer_host.ts";

describe.skipIf(!canPull)("mbctl", () => {
  let host: OuterHost;
  let fresh: string[];
  beforeAll(async () => {
    host = await OuterHost.create();
    fresh = host.snapshot();
  });
  afterAll(() => host?.[Symbol.dispose]());

  test("upper and lower case of a name are kept as they are given", async () => {
    host.reset();
    const pulled = await host.run(
      host.pullWords.map((word) => (word === "web" ? "WebServer" : word)),
    );
    expect(pulled.exitCode).toBe(0);
    const { machines } = JSON.parse((await host.run(["machines", "list", "--json"])).stdout);
    expect(machines).toMatchObject([{ name: "WebServer" }]);
    host.reset();
    expect(host.snapshot()).toEqual(fresh);
  });

  test("a broken machine.toml does not hide the other machines", async () => {
    host.reset();
    await host.run(host.pullWords);
    const configurations = join(host.root, "var/lib/man8machine_configs");
    for (const name of ["broken", "no machine's name"]) {
      mkdirSync(join(configurations, name));
      writeFileSync(join(configurations, name, "machine.toml"), "schema = 1\n= x\n");
    }
    const { exitCode, stdout, stderr } = await host.run(["machines", "list", "--json"]);
    const file = `${configurations}/broken/machine.toml`;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `warning: Cannot read "${file}": line 2, column 1: Invalid TOML document: unexpected end of key\n`,
    });
    expect(JSON.parse(stdout).machines).toMatchObject([
      { name: "broken", state: "broken" },
      { name: "web", state: "stopped", image: host.image },
    ]);
    expect((await host.run(["machines", "show", "web"])).exitCode).toBe(0);
    expect((await host.run(["machines", "show", "broken"])).exitCode).toBe(2);
    expect((await host.run(["machines", "remove", "broken", "--yes"])).exitCode).toBe(0);
    const left = JSON.parse((await host.run(["machines", "list", "--json"])).stdout).machines;
    expect(left).toMatchObject([{ name: "web" }]);
    expect(left).toHaveLength(1);
    host.reset();
  });
});
