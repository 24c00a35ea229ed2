import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { formatPrefix } from "../../lib/address/ipv6.ts";
import type { Host } from "../../lib/host/host.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { applySteps } from "../../lib/steps/apply.ts";
import { parseHostConfig } from "../../lib/config/host_config.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths } from "../../lib/paths.ts";
import { findRenumbering, planRenumbering } from "../../lib/steps/renumbering.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-renumber-"));
  machine("web", "MAN8S_YGGDRASIL_ADDRESS=300:1:2:3::5\nMAN8S_ULA_ADDRESS=fd00:1::5\nA=1");
  // A whole system.
  write(
    machinePaths("", parseMachineName("web")).networkFile,
    "Address=300:1:2:3::5/64\nGateway=fd00:1::1\nDestination=::/0\n",
  );
  machine("done", "MAN8S_YGGDRASIL_ADDRESS=301:9:8:7::6\n");
  machine("lan", "A=300:1:2:3::7\n");
  write("etc/systemd/network/80-srvgrp0.network", bridge("srvgrp0"));
  write("etc/systemd/network/90-other.network", bridge("other"));
  write("etc/systemd/network/80-srvgrp0.netdev", "[NetDev]\nName=srvgrp0\n");
});
afterAll(() => rmSync(root, { recursive: true }));

const bridge = (name: string) => `[Match]\nName=${name}\n[Address]\nAddress=300:1:2:3::1/128\n`;

function machine(name: string, env: string): void {
  const paths = machinePaths("", parseMachineName(name));
  write(paths.machineToml, "broken\n");
  write(paths.envFile, env, 0o600);
}

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { mode });
}

/** The host, with a config.toml. */
function host(config: string): Host {
  return {
    root,
    isLive: false,
    run: makeRun(),
    spawn: makeSpawn(),
    config: parseHostConfig(config, "config.toml"),
    name: "HostA",
  };
}

const prefix = 'prefix = "301:9:8:7::/64"\n';

test("findRenumbering() tells machines of another prefix, also where their machine.toml is broken", async () => {
  const found = await findRenumbering(host(prefix));
  expect({ ...found, prefix: formatPrefix(found.prefix) } as unknown).toEqual({
    prefix: "301:9:8:7::/64",
    self: undefined,
    machines: [
      {
        name: "web",
        variables: [
          { key: "MAN8S_YGGDRASIL_ADDRESS", from: "300:1:2:3::5", to: "301:9:8:7::5" },
          { key: "MAN8S_ULA_ADDRESS", from: "fd00:1::5", to: "fdfc:16ed:7601::5" },
        ],
      },
    ],
  });
  const same = await findRenumbering(host('prefix = "301:9:8:7::/64"\nula = "fd00:1::/64"\n'));
  expect(same.machines.flatMap(({ variables }) => variables.map(({ key }) => key))).toEqual([
    "MAN8S_YGGDRASIL_ADDRESS",
  ]);
});

test("findRenumbering() tells of this host's own old key in config.toml", async () => {
  const own = (value: string) => findRenumbering(host(`${prefix}[hosts]\nhosta = "${value}"\n`));
  expect((await own("300:1:2:3::/64")).self?.name).toBe("hosta");
  expect((await own("301:9:8:7::/64")).self).toBeUndefined();
});

test("planRenumbering() rewrites what has the old prefix, keeping modes; the second time there is nothing", async () => {
  const given = host(prefix);
  const plan = async () => await planRenumbering(given, await findRenumbering(given));
  const steps = await plan();
  const paths = machinePaths(root, parseMachineName("web"));
  const network = join(root, "etc/systemd/network/80-srvgrp0.network");
  expect(steps.map((step) => ("path" in step ? step.path : step.kind))).toEqual([
    ...[paths.networkFile, paths.envFile, network],
    "derive-host",
  ]);
  const mounted = statSync(paths.networkFile).ino;
  await applySteps(
    steps.filter(({ kind }) => kind !== "derive-host"),
    { host: given },
  );
  expect(readFileSync(paths.envFile, "utf8")).toBe(
    "MAN8S_YGGDRASIL_ADDRESS=301:9:8:7::5\nMAN8S_ULA_ADDRESS=fdfc:16ed:7601::5\nA=1",
  );
  expect(statSync(paths.envFile).mode & 0o777).toBe(0o600);
  expect(readFileSync(paths.networkFile, "utf8")).toBe(
    "Address=301:9:8:7::5/64\nGateway=fdfc:16ed:7601::1\nDestination=::/0\n",
  );
  // A system that runs has this very file mounted.
  expect(statSync(paths.networkFile).ino).toBe(mounted);
  expect(readFileSync(network, "utf8")).toBe(bridge("srvgrp0").replace("300:1:2:3", "301:9:8:7"));
  expect((await plan()).map(({ kind }) => kind)).toEqual(["derive-host"]);
});

test("planRenumbering() rewrites NetworkManager's connection of the bridge where there is one", async () => {
  const path = "etc/NetworkManager/system-connections/mbctl-srvgrp0.nmconnection";
  const text = "[ipv6]\naddress1=300:1:2:3::1/128\naddress2=fd00::1/64\nroute1=300:1:2:3::/64\n";
  write(path, text, 0o600);
  const given = host(prefix);
  const steps = await planRenumbering(given, await findRenumbering(given));
  const changed = text.replaceAll("300:1:2:3", "301:9:8:7");
  expect(steps).toContainEqual({
    kind: "write-file",
    path: join(root, path),
    text: changed,
    mode: 0o600,
    encoding: "latin1",
  });
});
