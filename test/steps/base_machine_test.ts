import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseHostConfig } from "../../lib/config/host_config.ts";
import type { Host } from "../../lib/host/host.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { hasSystemInit, readBaseMachine } from "../../lib/steps/base_machine.ts";
import { requireMachines } from "../../lib/machine/lifecycle.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

let root: string;
let host: Host;

function write(path: string, text = ""): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function machine(name: string, mode: string): string {
  const paths = machinePaths(root, parseMachineName(name));
  const toml = `schema = 1\nname = "${name}"\nmode = "${mode}"\nimage = "os:debian:bookworm"\n`;
  write(paths.machineToml, toml);
  write(paths.applied.image, '{"architecture":"amd64","os":"linux"}\n');
  mkdirSync(join(paths.tree, "usr"), { recursive: true });
  return paths.tree;
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-base-"));
  host = {
    root,
    isLive: false,
    run: makeRun(),
    spawn: makeSpawn(),
    config: parseHostConfig("", "config.toml"),
    name: "HostA",
  };
  write(join(machine("box", "base"), "usr/lib/systemd/systemd"));
  write(join(machine("app", "direct"), "sbin/init"));
  machine("bare", "base");
  write(join(machine("busy", "base"), "sbin/init"));
  write(machinePaths(root, parseMachineName("busy")).changeMarker);
});
afterAll(() => rmSync(root, { recursive: true }));

test("readBaseMachine() gives what a clone is made of", async () => {
  const name = parseMachineName("box");
  const { spec, image, tree } = await readBaseMachine(host, name);
  expect(spec.image.reference).toBe("os:debian:bookworm");
  expect(image.config.architecture).toBe("amd64");
  const path = machinePaths(root, name).tree;
  expect(tree).toEqual({ kind: "machine", name, path, isRunning: false });
});

test.each([
  ["gone", 'Cannot find the machine "gone"'],
  ["app", 'Cannot take "app" as a base: it is no whole system, its mode is "direct"'],
  ["bare", 'Cannot take "bare" as a base: its root tree has no init, and does not boot'],
  ["busy", 'Cannot clone "busy": its change was not ended'],
])("readBaseMachine() of %s says why not", async (name, message) => {
  await expect(readBaseMachine(host, parseMachineName(name))).rejects.toThrow(message);
});

test("readBaseMachine() names the process that works on it", async () => {
  const busy = parseMachineName("busy");
  const { lock } = machinePaths(root, busy);
  write(lock);
  const other = Bun.spawn(["flock", "--no-fork", lock, "sh", "-c", "echo held; exec sleep 60"], {
    stdout: "pipe",
  });
  try {
    await other.stdout.getReader().read();
    const refused = `Cannot work on the machine "busy": another mbctl does (process ${other.pid})`;
    await expect(readBaseMachine(host, busy)).rejects.toThrow(refused);
    expect(() => requireMachines(root, [busy])).toThrow(refused);
  } finally {
    other.kill();
    await other.exited;
  }
});

test("hasSystemInit() follows links as the machine would", () => {
  const tree = join(root, "tree");
  mkdirSync(join(tree, "sbin"), { recursive: true });
  // There is such a file on this host, or not: neither counts.
  symlinkSync("/lib/systemd/systemd", join(tree, "sbin/init"));
  expect(hasSystemInit(tree)).toBe(false);
  write(join(tree, "lib/systemd/systemd"));
  expect(hasSystemInit(tree)).toBe(true);
});
