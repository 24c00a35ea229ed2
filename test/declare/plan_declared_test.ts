/** Whether a machine is changed at all, and when one that runs is stopped for it. */

import { expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import type { PresentMachine } from "../../lib/change/present_machine.ts";
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

/** A machine that is what its machine.toml says, with nothing edited since. */
function presentOf(spec: MachineSpec): PresentMachine {
  const { machineToml, network, ...files } = renderMachine(spec, image.config, facts);
  const base = {
    nspawn: toLatin1(files.nspawn),
    envFile: toLatin1(files.envFile),
    unitDropIn: toLatin1(files.unitDropIn),
  };
  return {
    ...{ name: spec.name, machineToml, spec, appliedToml: machineToml },
    ...{ ours: base, base, network, image },
  };
}

/** Plans another declaration for a machine that runs. */
function planFrom(
  present: PresentMachine,
  wanted: MachineSpec,
  machineToml: string,
  { mayRestart = true, isThere = false } = {},
) {
  return planDeclared(
    present,
    { spec: wanted, machineToml, image, facts },
    {
      ...{ root: "/", isLive: true, isRunning: true, mayRestart, prefer: undefined },
      ...{ boot: [], isThere: () => isThere },
    },
  );
}

/** Plans other volumes for it. */
function plan(volume: Volume, options = {}) {
  return planFrom(presentOf(spec), { ...spec, volumes: [volume] }, "other", options);
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

const system: MachineSpec = { ...spec, mode: "base", volumes: [] };

test("a machine that is as declared, and noted so, is left alone", () => {
  for (const one of [spec, system]) {
    const present = presentOf(one);
    expect(planFrom(present, one, present.machineToml).change).toBeUndefined();
  }
});

test.each<[string, (present: PresentMachine) => Partial<PresentMachine>]>([
  ["machine.toml", () => ({ appliedToml: "older" })],
  ["container.nspawn", ({ base }) => ({ base: base && { ...base, nspawn: "" } })],
  ["man8env.env", ({ base }) => ({ base: base && { ...base, envFile: "" } })],
  ["the unit's drop-in", ({ base }) => ({ base: base && { ...base, unitDropIn: "" } })],
  ["the image", () => ({ image: undefined })],
  ["the network of a whole system", () => ({ network: "older" })],
])("%s is noted anew where the note is older than the file", (_, older) => {
  const present = presentOf(system);
  const found = planFrom({ ...present, ...older(present) }, system, present.machineToml);
  expect(found.change).toBeDefined();
  expect(found.restart).toEqual(older(present).network === undefined ? [] : ["host0.network"]);
});

test("a root that becomes read-only gets what is mounted on it while the machine stands still", () => {
  const before: MachineSpec = { ...spec, volumes: [{ path: "/var/tmp", kind: "data" }] };
  const options = { mayRestart: false, isThere: true };
  const makeReadOnly = () =>
    planFrom(presentOf(before), { ...before, isReadOnly: true }, "other", options);
  expect(makeReadOnly).toThrow('Cannot apply this to "web" while it runs');
});
