/** When a machine that runs is stopped for a change. */

import { expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { toLatin1 } from "../../lib/change/rerender.ts";
import { planDeclared } from "../../lib/declare/plan_declared.ts";
import { parseImageConfig } from "../../lib/image/config.ts";
import { unknownDigest } from "../../lib/image/digest.ts";
import { type HostFacts, renderMachine } from "../../lib/render/render.ts";
import { describeStep } from "../../lib/steps/step.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { defaultChoices, type MachineSpec, type Volume } from "../../lib/spec/machine_spec.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const facts: HostFacts = {
  ...defaultHostNetworks,
  systemdVersion: 257,
  prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
  stopTimeoutSec: 10,
  connection: { kind: "bridge" },
};
const text = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  config: { Entrypoint: ["serve"], Volumes: { "/x/y": {} } },
});
const image = { text, config: parseImageConfig(JSON.parse(text)) };
const spec: MachineSpec = {
  ...defaultChoices,
  name: parseMachineName("web"),
  image: { reference: "registry/web:1", digest: unknownDigest, manifestDigest: unknownDigest },
  environment: [],
  volumes: [{ path: "/x/y", kind: "skip" }],
};

/** Plans other volumes for a machine that runs. */
function plan(volume: Volume, { mayRestart = true, isThere = false } = {}) {
  const { machineToml, network, ...files } = renderMachine(spec, image.config, facts);
  const base = {
    nspawn: toLatin1(files.nspawn),
    envFile: toLatin1(files.envFile),
    unitDropIn: toLatin1(files.unitDropIn),
  };
  return planDeclared(
    {
      ...{ name: spec.name, machineToml, spec, appliedToml: machineToml },
      ...{ ours: base, base, network, image },
    },
    { spec: { ...spec, volumes: [volume] }, machineToml: "other", image, facts },
    {
      ...{ root: "/", isLive: true, isRunning: true, mayRestart, prefer: undefined },
      ...{ boot: [], isThere: () => isThere },
    },
  );
}

test.each<Volume>([
  { path: "/x/y", kind: "data" },
  { path: "/x/y", kind: "config" },
  { path: "/x/y", kind: "host", source: "/srv/y" },
])("a root tree is copied from only while its machine stands still: $kind", (volume) => {
  const { change, restarts } = plan(volume);
  const words = change?.prepare.map(describeStep) ?? [];
  expect(restarts).toBe(true);
  expect(words[0]).toBe("systemctl stop systemd-nspawn@web.service");
  expect(words.findIndex((step) => step.startsWith("copy /x/y of "))).toBeGreaterThan(0);
  // Its own root could make a link of a folder on the way: what it leads to would be copied.
  expect(() => plan(volume, { mayRestart: false })).toThrow('Cannot apply this to "web" while it');
});

test("a machine runs on while nothing is copied", () => {
  const volume: Volume = { path: "/x/y", kind: "data" };
  const { change } = plan(volume, { isThere: true });
  expect(change?.prepare.map(describeStep)).not.toContain(
    "systemctl stop systemd-nspawn@web.service",
  );
});
