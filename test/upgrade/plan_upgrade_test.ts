import { expect, test } from "bun:test";
import type { Rerendering } from "../../lib/change/rerender.ts";
import type { VolumeChanges } from "../../lib/declare/plan_volumes.ts";
import { machinePaths } from "../../lib/paths.ts";
import { describeStep, type Step } from "../../lib/steps/step.ts";
import { keepCurrent } from "../../lib/snapshots/keep_current.ts";
import { parseLabel } from "../../lib/snapshots/label.ts";
import { planBack } from "../../lib/snapshots/plan_back.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { planUpgrade, type UpgradePlan } from "../../lib/upgrade/plan_upgrade.ts";

const name = parseMachineName("web");
const label = parseLabel("before-upgrade-1");
const paths = machinePaths("/", name);
const texts = { nspawn: "n", envFile: "e", unitDropIn: "u" };
const rerendering: Rerendering = {
  rendered: { machineToml: "m", ...texts },
  merged: texts,
  conflicts: [],
};
const image = {
  reference: "docker.io/library/x:2",
  digest: "sha256:a",
  manifestDigest: "sha256:b",
};
const unitFiles = [{ name: "90-mine.conf", text: "mine" }];
const noVolumes: VolumeChanges = { prepare: [], undo: [], redo: [], moves: [], notes: [] };
const snapshot = { name, label, createdMs: 0, reason: "upgrade", image, hasData: false } as const;

function plan(more: Partial<UpgradePlan> = {}) {
  return planUpgrade({
    ...{ root: "/", isLive: true, isRunning: true, volumes: noVolumes, graceMs: 10 },
    spec: { name, ...defaultChoices, image, environment: [], volumes: [] },
    files: { machineToml: "m", rerendering, imageText: "{}" },
    tree: { kind: "stored", path: "/stored", isThere: true },
    fitting: { kind: "init", busybox: "/busybox", needs: { directories: ["/srv"] } },
    kept: {
      now: keepCurrent({ paths, snapshot, tree: "none", configuration: "clone", unitFiles }),
      back: planBack({ paths, label, hasData: false, unitFiles }),
    },
    ...more,
  });
}
const words = (steps: readonly Step[] = []) => steps.map(describeStep);
const stop = "systemctl stop systemd-nspawn@web.service";
const start = "systemctl start systemd-nspawn@web.service";
const newTree = "/var/lib/man8machines/.mbctl-new.web";
const snapshots = "/var/lib/man8machines/.mbctl-snapshots/web";

test("planUpgrade() makes the tree while the machine runs, and exchanges it for the old one", () => {
  const { prepare, redo } = plan();
  const prepared = words(prepare);
  expect(prepared.slice(0, 6)).toEqual([
    `remove ${newTree}`,
    `clone /stored to ${newTree}`,
    `make missing directories in ${newTree}: /srv`,
    `install man8s-init in ${newTree} with /busybox`,
    "note in the store what docker.io/library/x:2 names",
    `sync ${newTree}`,
  ]);
  const stopped = prepared.indexOf(stop);
  const copied = prepared.findIndex((text) =>
    text.startsWith("clone /var/lib/man8machine_configs"),
  );
  const written = prepared.findIndex((text) => text.includes("/.man8env.env.mbctl-next"));
  // What is copied is neither being written to, nor has it what was staged.
  expect([stopped > 6, copied > stopped, written > copied]).toEqual([true, true, true]);
  const done = words(redo);
  const swap = `put ${newTree} in the place of /var/lib/man8machines/web, and that to ${snapshots}/before-upgrade-1/tree`;
  expect([done[0], done.at(-1), done.includes(swap)]).toEqual([stop, start, true]);
});

test("planUpgrade() leads back by renames, with the machine stopped, and clears what is left", () => {
  const { verify, undo } = plan();
  const back = words(verify?.back);
  expect(verify?.graceMs).toBe(10);
  expect(back.slice(0, 4)).toEqual([
    stop,
    "remove /var/lib/machines/web",
    `put ${snapshots}/before-upgrade-1/tree in the place of /var/lib/man8machines/web, and that to /var/lib/man8machines/.mbctl-old.web`,
    "put /var/lib/man8machine_configs/.mbctl-snapshots/web/before-upgrade-1 in the place of /var/lib/man8machine_configs/web, and that to /var/lib/man8machine_configs/.mbctl-old.web",
  ]);
  expect(back).toContain(start);
  expect(back.slice(back.indexOf(start))).toContain("remove /var/lib/man8machines/.mbctl-old.web");
  expect(words(undo).at(-1)).toBe(start);
  // A start that fails is told, and does not keep the journal from its end.
  for (const steps of [verify?.back ?? [], undo]) {
    expect(steps.filter((step) => step.kind === "unit" && step.action === "start")).toEqual([
      expect.objectContaining({ isForgiving: true }),
    ]);
  }
});

test("planUpgrade() fills new volumes from the new tree, and takes them away on the way back", () => {
  const to = "/var/lib/man8machine_storage/web/more";
  const next = "/var/lib/man8machine_storage/web/.more.mbctl-next";
  const { verify } = plan({
    volumes: {
      ...noVolumes,
      prepare: [{ kind: "copy-volume", tree: newTree, path: "/more", into: next }],
      undo: [{ kind: "remove", path: next }],
      redo: [{ kind: "settle", from: next, to }],
    },
  });
  expect(words(verify?.back)).toContain(`remove ${to}`);
  expect(words(verify?.back)).toContain(`remove ${next}`);
});

test("planUpgrade() neither starts nor judges a machine that does not run", () => {
  for (const change of [plan({ isRunning: false }), plan({ isLive: false })]) {
    expect(change.verify).toBeUndefined();
    const all = [...change.prepare, ...change.undo, ...change.redo];
    expect(all.filter(({ kind }) => kind === "unit")).toEqual([]);
  }
  expect(words(plan({ isLive: false }).redo)).not.toContain("systemctl daemon-reload");
});
