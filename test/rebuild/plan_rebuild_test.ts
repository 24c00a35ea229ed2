import { expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { planFiles } from "../../lib/change/plan_files.ts";
import type { Rerendering } from "../../lib/change/rerender.ts";
import type { VolumeChanges } from "../../lib/declare/plan_volumes.ts";
import { machinePaths } from "../../lib/paths.ts";
import { treeFitting } from "../../lib/steps/plan_tree.ts";
import { describeStep, type Step } from "../../lib/steps/step.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { planRebuild, type RebuildPlan } from "../../lib/rebuild/plan_rebuild.ts";
import { keepCurrent } from "../../lib/snapshots/keep_current.ts";
import { parseLabel } from "../../lib/snapshots/label.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices } from "../../lib/spec/machine_spec.ts";

const name = parseMachineName("web");
const root = "/mnt";
const texts = { nspawn: "n", envFile: "e", unitDropIn: "u" };
const rerendering: Rerendering = {
  rendered: { machineToml: "m", ...texts },
  merged: texts,
  conflicts: [],
};
const image = {
  reference: "docker.io/library/x:1",
  digest: "sha256:a",
  manifestDigest: "sha256:b",
};
const files = { machineToml: "m", rerendering, imageText: "{}" };
const noVolumes: VolumeChanges = { prepare: [], undo: [], redo: [], moves: [], notes: [] };

function plan(more: Partial<RebuildPlan> = {}) {
  return planRebuild({
    ...{ root, isLive: false, isRunning: false, volumes: noVolumes, kept: undefined, boot: [] },
    spec: { name, ...defaultChoices, image, environment: [], volumes: [] },
    files,
    tree: { kind: "layers" },
    fitting: { kind: "init", busybox: "/busybox", needs: { directories: ["/srv"] } },
    unitFiles: [{ name: "90-mine.conf", text: "mine" }],
    ...more,
  });
}
const words = (steps: readonly Step[]) =>
  steps.map((step) => describeStep(step).replaceAll("/mnt/var/lib/man8machine", "…"));

test("planRebuild() makes tree, links and drop-ins for a configuration folder that stands alone", () => {
  const { prepare, redo, undo, verify } = plan();
  expect(words(prepare)).toContain(
    "unpack docker.io/library/x:1 into …s/.mbctl-new.web, fetching what the store lacks",
  );
  expect(words(redo)).toEqual([
    "put …s/.mbctl-new.web in the place of …s/web, and that to …s/.mbctl-old.web",
    ...words(planFiles(machinePaths(root, name), files).redo),
    "put /mnt/etc/systemd/system/systemd-nspawn@web.service.d/.90-mine.conf.mbctl-next in the place of /mnt/etc/systemd/system/systemd-nspawn@web.service.d/90-mine.conf",
    "link /mnt/etc/systemd/nspawn/web.nspawn -> /var/lib/man8machine_configs/web/container.nspawn",
    "link /mnt/var/lib/machines/web -> /var/lib/man8machines/web",
    "bring firewall, names and relays of the host in line with its machines",
    ...["s", "_configs", "_storage"].map((folder) => `remove …${folder}/.mbctl-old.web`),
  ]);
  expect(verify).toBeUndefined();
  // What was there before is not among what is cleared.
  expect(words(undo).filter((text) => /(_configs|_storage|s)\/web$/.test(text))).toEqual([]);
});

test("planRebuild() keeps a tree that is to stay", () => {
  const { prepare, redo } = plan({ tree: undefined });
  const kinds = new Set([...prepare, ...redo].map(({ kind }) => kind));
  for (const kind of ["unpack-image", "clone-tree", "install-init"] as const) {
    expect(kinds.has(kind)).toBe(false);
  }
  // Nothing was staged: the exchange finds nothing to do.
  expect(words(prepare)).toContain("remove …s/.mbctl-new.web");
});

test("planRebuild() tells a whole system's tree that stays its name, and makes its folders", () => {
  const spec = {
    name,
    ...defaultChoices,
    mode: "base",
    image,
    environment: [],
    volumes: [],
  } as const;
  const facts = {
    ...defaultHostNetworks,
    busybox: "/bb",
    connection: { kind: "bridge" },
    systemdVersion: 257,
    stopTimeoutSec: 10,
    prefix: parsePrefix("300:1:2:3::/64"),
  } as const;
  const fitting = treeFitting(spec, facts, { directories: [] });
  const steps = words(plan({ spec, fitting, tree: undefined }).redo);
  expect(steps).toContain("make directory …_storage/web (700)");
  expect(steps).toContain("make directory …_configs/web/apps (755)");
  expect(steps).toContain("write name and network of web into …s/web");
  const anew = words(plan({ spec, fitting }).redo);
  expect(anew.filter((text) => text.startsWith("write name"))).toEqual([]);
});

test("planRebuild() moves a tree that is made anew to a snapshot, while the machine stands still", () => {
  const paths = machinePaths("/", name);
  const snapshot = {
    ...{ name, label: parseLabel("old"), createdMs: 0, image, hasData: false },
    reason: "reset",
  } as const;
  const kept = keepCurrent({
    paths,
    snapshot,
    tree: "none",
    configuration: "clone",
    unitFiles: [],
  });
  const { prepare, undo, redo } = plan({ root: "/", isLive: true, isRunning: true, kept });
  const [stop, start] = ["stop", "start"].map(
    (action) => `systemctl ${action} systemd-nspawn@web.service`,
  );
  const prepared = words(prepare);
  const copied = prepared.findIndex((text) =>
    text.startsWith("clone /var/lib/man8machine_configs"),
  );
  expect(prepared.indexOf(stop ?? "")).toBeLessThan(copied);
  expect(words(redo)).toContain(
    "put /var/lib/man8machines/.mbctl-new.web in the place of /var/lib/man8machines/web, and that to /var/lib/man8machines/.mbctl-snapshots/web/old/tree",
  );
  expect([words(redo)[0], words(undo).at(-1)]).toEqual([stop, start] as never);
  expect(words(redo)).toContain(start ?? "");
});
