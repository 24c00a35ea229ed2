/** The three ways to use mbctl agree: the program, a verb's script by itself, a script that imports lib/mod.ts. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  defaultHostNetworks,
  defaultChoices,
  machineAddressText,
  machineUnit,
  parseImageConfig,
  parseMachineName,
  parsePrefix,
  renderMachine,
} from "../../lib/mod.ts";
import type { Host } from "../lab/host.ts";
import { type Lab, mbctlBinary, startLab } from "../lab/lab.ts";
import { run } from "../lab/run.ts";
import { installImages, pull } from "./_machines.ts";
import { labTimeoutMs, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";

const project = join(import.meta.dir, "../..");
const prefix = parsePrefix("300:2e98:a4b0:1789::/64");

describe("with --root", () => {
  let root = "";

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "mbctl-three-uses-"));
    for (const name of ["Web", "db-1"]) writeMachine(root, name);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const program = async (...words: string[]) => (await run([mbctlBinary, ...words])).stdout;
  const script = async (verb: string, ...words: string[]) =>
    (await run([process.execPath, join(project, `scripts/${verb}.ts`), ...words])).stdout;

  test.each(["machines-list", "machines-show"])("%s --json says the same", async (verb) => {
    const words = [...(verb === "machines-show" ? ["Web"] : []), "--root", root, "--json"];
    const said = await program(...verb.split("-"), ...words);
    expect(await script(verb, ...words)).toBe(said);
    expect(JSON.parse(said)).toMatchObject({ schemaVersion: 1 });
  });

  test("the list has both machines, with the addresses that lib/mod.ts computes", async () => {
    const { machines } = JSON.parse(await program("machines", "list", "--root", root, "--json"));
    expect(machines.map(({ name, address }: Record<string, string>) => [name, address])).toEqual(
      ["Web", "db-1"].map((name) => [name, machineAddressText(name, prefix)]),
    );
  });

  test("all three compute the same address", async () => {
    const words = ["TestBWContainer3", "--prefix", "300:2e98:a4b0:1789::/64"];
    const address = "300:2e98:a4b0:1789:1d44:bc13:a177:c4d";
    expect(await program("address", "get", ...words)).toBe(`${address}\n`);
    expect(await script("address-get", ...words)).toBe(`${address}\n`);
    expect(machineAddressText(parseMachineName("TestBWContainer3"), prefix)).toBe(address);
    expect(await program("address", "getsuffix", "TestBWContainer3")).toBe("1d44:bc13:a177:c4d\n");
  });
});

describe.each(testedHosts.slice(-1))("on %s", (os) => {
  let lab: Lab;
  let host: Host;

  beforeAll(async () => {
    lab = await startLab({ hosts: [{ name: "hosta", os }], mbctl: true });
    host = lab.host("hosta");
    await copySources(host);
    await installImages(host, {
      Web: { config: { Cmd: ["sleep", "1000"] } },
      Idle: { config: { Cmd: ["true"] } },
    });
    for (const name of ["Web", "Idle"]) await pull(host, name);
    await mbctlOut(host, ["machines", "start", "Web"]);
  }, labTimeoutMs);
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  }, labTimeoutMs);

  test(
    "the script lists the host's machines as the program does, running ones and stopped ones",
    async () => {
      const said = await mbctlOut(host, ["machines", "list", "--json"]);
      const { stdout } = await host.run([
        "/opt/mbctl/bun",
        "/opt/mbctl/scripts/machines-list.ts",
        "--json",
      ]);
      expect(stdout.trimEnd()).toBe(said);
      const { machines } = JSON.parse(said);
      expect(machines.map(({ name, state }: Record<string, string>) => [name, state])).toEqual([
        ["Idle", "stopped"],
        ["Web", "running"],
      ]);
      const hostPrefix = parsePrefix(`${lab.mesh("hosta").prefix}::`);
      expect(machines.map(({ address }: Record<string, string>) => address)).toEqual([
        machineAddressText("Idle", hostPrefix),
        machineAddressText("Web", hostPrefix),
      ]);
    },
    testTimeoutMs,
  );

  test(
    "a verb's script does the work too: it stops the machine",
    async () => {
      await host.run(["/opt/mbctl/bun", "/opt/mbctl/scripts/machines-stop.ts", "Web"]);
      const unit = machineUnit(parseMachineName("Web"));
      const { stdout } = await host.run(["systemctl", "is-active", unit], {
        allowFailure: true,
      });
      expect(stdout).toBe("inactive\n");
    },
    testTimeoutMs,
  );
});

/** A machine's own files below a root, as a pull leaves them. */
function writeMachine(root: string, text: string): void {
  const name = parseMachineName(text);
  const digest = `sha256:${"5".repeat(64)}`;
  const image = parseImageConfig({
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/app"] },
  });
  const reference = "docker.io/library/app:latest";
  const files = renderMachine(
    {
      name,
      ...defaultChoices,
      image: { reference, digest, manifestDigest: digest },
      environment: [],
      volumes: [],
    },
    image,
    {
      ...defaultHostNetworks,
      systemdVersion: 257,
      prefix,
      stopTimeoutSec: 10,
      connection: { kind: "bridge" },
    },
  );
  const folder = join(root, "var/lib/man8machine_configs", name);
  const paths = {
    [join(folder, "machine.toml")]: files.machineToml,
    [join(folder, "container.nspawn")]: files.nspawn,
    [join(folder, "man8env.env")]: files.envFile,
    [join(root, "etc/systemd/system", `${machineUnit(name)}.d/50-mbctl.conf`)]: files.unitDropIn,
  };
  for (const [path, content] of Object.entries(paths)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/** Copies Bun, the sources and the packages that they import into a host, as a clone would be. */
async function copySources(host: Host): Promise<void> {
  const { dependencies } = await Bun.file(join(project, "package.json")).json();
  const folder = join(host.dir, "mbctl");
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  const rooms = ["lib", "scripts", "init-templates", "systemd-configs"];
  const parts = [...rooms, "package.json", "tsconfig.json"];
  await run(["cp", "-a", "-t", folder, ...parts.map((part) => join(project, part))]);
  // What the packages depend on themselves is small, and not worth a resolver of ours.
  const heavy = ["bun", "bun-types", "@biomejs", "@oven", "@types", "fast-check", ".bin"];
  const { stdout } = await run(["ls", "-A", join(project, "node_modules")]);
  const wanted = stdout
    .split("\n")
    .filter((name) => name !== "" && !heavy.includes(name) && !name.startsWith("."));
  for (const name of Object.keys(dependencies)) expect(wanted).toContain(name.split("/")[0] ?? "");
  const sources = wanted.map((name) => join(project, "node_modules", name));
  await run(["cp", "-a", "-t", join(folder, "node_modules"), ...sources]);
  await run(["cp", "-a", process.execPath, join(folder, "bun")]);
  await host.copyIn(folder, "/opt/mbctl");
}
