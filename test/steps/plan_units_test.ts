import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHost } from "../../lib/host/host.ts";
import { planUnits } from "../../lib/steps/plan_units.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const root = mkdtempSync(join(tmpdir(), "lifecycle-"));
afterAll(() => rmSync(root, { recursive: true }));
/** The host of the tests, but for its machines; it has no such bridge. */
const host = { ...openHost({ root: "/", log: { command: () => undefined } }), root };

for (const [name, network] of [
  ["bridged", "VirtualEthernet=yes\nBridge=nosuch0\n"],
  ["lan", "VirtualEthernet=no\nMACVLAN=eth0\n"],
] as const) {
  const folder = join(root, "var/lib/man8machine_configs", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "machine.toml"), "");
  writeFileSync(join(folder, "container.nspawn"), `[Network]\n${network}`);
  mkdirSync(join(root, "var/lib/man8machines", name), { recursive: true });
  mkdirSync(join(root, "var/lib/machines"), { recursive: true });
  symlinkSync(`/var/lib/man8machines/${name}`, join(root, "var/lib/machines", name));
}
const [bridged, lan] = [parseMachineName("bridged"), parseMachineName("lan")];

test("planUnits() wants the bridge that a machine's nspawn file names, for a start alone", () => {
  for (const action of ["start", "restart"] as const) {
    expect(() => planUnits(host, action, [lan, bridged])).toThrow(
      'Cannot plug machines into the bridge "nosuch0": there is no such bridge',
    );
    expect(planUnits(host, action, [lan])).toHaveLength(1);
  }
  expect(planUnits(host, "stop", [bridged])).toHaveLength(1);
});

test("planUnits() starts nothing that has no root tree, and names the way to one", () => {
  const bare = parseMachineName("bare");
  const folder = join(root, "var/lib/man8machine_configs", bare);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "machine.toml"), "");
  expect(() => planUnits(host, "start", [lan, bare])).toThrow(
    expect.objectContaining({
      message: 'Cannot start "bare": it has no root tree',
      hint: "mbctl machines rebuild bare",
    }),
  );
  expect(planUnits(host, "stop", [bare])).toHaveLength(1);
});

test("planUnits() enables the target of all machines too, which boots them", () => {
  const units = (action: "enable" | "disable") =>
    planUnits(host, action, [lan]).flatMap((step) => (step.kind === "unit" ? step.units : []));
  expect(units("enable")).toEqual(["machines.target", "systemd-nspawn@lan.service"]);
  expect(units("disable")).toEqual(["systemd-nspawn@lan.service"]);
});
