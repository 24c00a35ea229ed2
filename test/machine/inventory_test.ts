import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Host } from "../../lib/host/host.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { defaultHostConfig } from "../../lib/config/host_config.ts";
import {
  findClashes,
  findUses,
  listMachineNames,
  pendingWork,
  readMachine,
  readMachines,
  readMachineSpecs,
} from "../../lib/machine/inventory.ts";
import { formatMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths, namesOf } from "../../lib/paths.ts";

let host: Host;
beforeAll(() => {
  const root = mkdtempSync(join(tmpdir(), "mbctl-inventory-"));
  host = {
    root,
    isLive: false,
    run: makeRun(),
    spawn: makeSpawn(),
    config: defaultHostConfig,
    name: "hosta",
  };
  for (const text of ["web", "DB-1", "a-very-long-name-one"]) {
    const name = parseMachineName(text);
    const image = {
      reference: `localhost/${text}:1`,
      digest: "sha256:a",
      manifestDigest: "sha256:b",
    };
    write(
      machinePaths(root, name).machineToml,
      formatMachineToml({
        name,
        ...defaultChoices,
        image,
        environment: [],
        volumes: [],
      }),
    );
    write(machinePaths(root, name).envFile, `MAN8S_YGGDRASIL_ADDRESS=300::${text.length}\n`);
  }
  write(machinePaths(root, parseMachineName("broken")).machineToml, "schema = 2\n");
  const configurations = join(root, "var/lib/man8machine_configs");
  mkdirSync(join(configurations, "no-toml"));
  write(join(configurations, "no name/machine.toml"), "");
  write(join(configurations, ".mbctl-new.x/machine.toml"), "");
  write(machinePaths(root, parseMachineName("web")).pullMarker, "");
  write(machinePaths(root, parseMachineName("DB-1")).removeMarker, "");
});
afterAll(() => rmSync(host.root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

test("listMachineNames() lists what has a machine.toml and a machine's name", () => {
  expect(listMachineNames(host.root) as string[]).toEqual([
    "DB-1",
    "a-very-long-name-one",
    "broken",
    "web",
  ]);
  expect(listMachineNames("/nowhere")).toEqual([]);
});

test("readMachines() tells a broken machine from the others", async () => {
  const found = await readMachines(host);
  expect(
    found.map(({ name, spec, address, pending, problem }) => [
      name as string,
      spec?.image.reference,
      address,
      pending,
      problem?.kind,
    ]),
  ).toEqual([
    ["DB-1", "localhost/DB-1:1", "300::4", "remove", undefined],
    ["a-very-long-name-one", "localhost/a-very-long-name-one:1", "300::20", undefined, undefined],
    ["broken", undefined, undefined, undefined, "usage"],
    ["web", "localhost/web:1", "300::3", "pull", undefined],
  ]);
});

test("readMachine() throws for one that is broken, and one that is not there", async () => {
  await expect(readMachine(host, parseMachineName("broken"))).rejects.toThrow(
    /broken\/machine\.toml": /,
  );
  await expect(readMachine(host, parseMachineName("nope"))).rejects.toMatchObject({
    message: 'Cannot find the machine "nope": there is no such machine',
    hint: "there are: DB-1, a-very-long-name-one, broken, web",
  });
});

test("pendingWork() knows a removal before a pull", () => {
  const name = parseMachineName("both");
  const { pullMarker, removeMarker } = machinePaths(host.root, name);
  expect(pendingWork(host.root, name)).toBeUndefined();
  write(pullMarker, "");
  expect(pendingWork(host.root, name)).toBe("pull");
  write(removeMarker, "");
  expect(pendingWork(host.root, name)).toBe("remove");
});

test("readMachineSpecs() leaves out who is being removed, and tells of a broken one", () => {
  const problems: string[] = [];
  const specs = readMachineSpecs(host.root, ({ message }) => problems.push(message));
  // A removal of DB-1 was killed.
  expect(specs.map(({ name }) => name as string)).toEqual(["a-very-long-name-one", "web"]);
  expect(problems).toEqual([expect.stringContaining("broken/machine.toml")]);
});

test("findUses() finds every name, dangling links and files above included", async () => {
  const name = parseMachineName("used");
  const names = namesOf(host.root, name);
  expect(await findUses(host, name)).toEqual([]);
  for (const path of names) {
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync("/nowhere", path);
    expect(await findUses(host, name)).toEqual([path]);
    rmSync(path);
  }
});

test("findClashes() compares host interfaces by their first 15 characters", () => {
  const clash = (text: string) =>
    findClashes(host.root, parseMachineName(text)).interface as string | undefined;
  expect(clash("a-very-long-name-two")).toBe("a-very-long-name-one");
  expect(clash("a-very-long-name-one")).toBeUndefined();
  expect(clash("a-very-long")).toBeUndefined();
  expect(clash("web2")).toBeUndefined();
});
