/** The files of whole systems, whole. */

import { expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { parseImageConfig } from "../../lib/image/config.ts";
import { unknownDigest } from "../../lib/image/digest.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import { completeApps } from "../../lib/spec/app_spec.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { parseMachineToml } from "../../lib/spec/machine_toml.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import { type HostFacts, renderMachine } from "../../lib/render/render.ts";
import { volumeSources } from "../../lib/render/render_binds.ts";
import { app } from "../apps/_app.ts";
import { expectGolden } from "../golden/golden.ts";

const facts: HostFacts = {
  ...defaultHostNetworks,
  systemdVersion: 257,
  prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
  stopTimeoutSec: 10,
  connection: { kind: "bridge" },
};
/** What an image of an operating system says of its program does not count. */
const image = parseImageConfig({
  architecture: "amd64",
  os: "linux",
  config: { Cmd: ["bash"], Env: ["PATH=/bin"], User: "app", WorkingDir: "/work", StopSignal: "9" },
});
const system: MachineSpec = {
  ...defaultChoices,
  name: parseMachineName("box"),
  mode: "base",
  os: { packages: ["git"], user: { name: "build", uid: 1001 } },
  image: {
    reference: "os:debian:bookworm",
    digest: unknownDigest,
    manifestDigest: unknownDigest,
  },
  environment: [],
  volumes: [],
};
const full: MachineSpec = {
  ...system,
  ipv4: parseIpv4("10.199.0.9"),
  stopTimeoutSec: 200,
  restart: { when: "always" },
  limits: { memory: 2 ** 31, cpus: 2, openFiles: 4096 },
  capabilities: { add: ["NET_RAW"], drop: ["MKNOD"] },
  devices: [parseDevice("/dev/ttyUSB0")],
  depends: [parseMachineName("db")],
  volumes: [
    { path: "/srv", kind: "data" },
    { path: "/mnt/host", kind: "host", source: "/srv/box", isReadOnly: true },
    { path: "/var/cache", kind: "tmpfs" },
  ],
};

test.each([
  ["system", system, 252],
  ["system", system, 262],
  ["full-system", full, 257],
] as const)("the files of a whole system (%s) are as they were", (name, spec, version) => {
  const files = renderMachine(spec, image, { ...facts, systemdVersion: version });
  expect(parseMachineToml(files.machineToml, "machine.toml")).toEqual(spec);
  for (const [file, text] of Object.entries(files)) {
    expectGolden(`machine/${name}.${version}.${file}`, text);
  }
});

test("a whole system without an interface of its own has no network file", () => {
  for (const kind of ["host", "private"] as const) {
    const files = renderMachine(system, image, { ...facts, connection: { kind } });
    expect(files.network).toBeUndefined();
    expect(files.nspawn).not.toContain("host0.network");
  }
});

test("volumeSources() of a whole system has the folders that it may write to as a whole", () => {
  expect(volumeSources(full)).toEqual([
    "/var/lib/man8machine_storage/box",
    "/var/lib/man8machine_configs/box/apps",
    "/var/lib/man8machine_storage/box/srv",
    "/srv/box",
  ]);
});

test("the unit looks for links in a folder that one application has within that of another", () => {
  const host = (path: string, source: string) => ({ path, kind: "host" as const, source });
  const apps = completeApps(
    [
      { ...app, name: parseAppName("one"), volumes: [host("/o", "/srv/outer")] },
      { ...app, name: parseAppName("two"), volumes: [host("/i", "/srv/outer/in/ner")] },
    ],
    [],
  );
  const { unitDropIn } = renderMachine({ ...system, apps }, image, facts);
  expect(unitDropIn).toContain('mbctl-volumes "/srv/outer/in" "/srv/outer/in/ner"\n');
});
