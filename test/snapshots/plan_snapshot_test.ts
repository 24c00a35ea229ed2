import { expect, test } from "bun:test";
import { describeStep, type Step } from "../../lib/steps/step.ts";
import { type Meanwhile, planSnapshot } from "../../lib/snapshots/plan_snapshot.ts";
import { paths, snapshotOf } from "./_snapshots.ts";

const plan = (meanwhile: Meanwhile, hasData = true) =>
  planSnapshot({ paths, snapshot: snapshotOf("one", { hasData }), meanwhile, unitFiles: [] });
const words = (steps: readonly Step[]) => steps.map(describeStep);
const [trees, configurations, storage] = [
  "man8machines",
  "man8machine_configs",
  "man8machine_storage",
].map((folder) => `/var/lib/${folder}`);

const clones = [
  `clone ${trees}/web to ${trees}/.mbctl-snapshots/web/.mbctl-new/tree`,
  `clone ${storage}/web to ${storage}/.mbctl-snapshots/web/.mbctl-new`,
  `clone ${configurations}/web to ${configurations}/.mbctl-snapshots/web/.mbctl-new`,
  `remove ${configurations}/.mbctl-snapshots/web/.mbctl-new/.mbctl/unit.d`,
  `make directory ${configurations}/.mbctl-snapshots/web/.mbctl-new/.mbctl/unit.d (700)`,
];

test("planSnapshot() clones under hidden names, syncs, and moves each part to its place", () => {
  const { prepare, undo, redo } = plan("untouched");
  expect(words(prepare)).toEqual([
    `make directory ${trees}/.mbctl-snapshots/web (700)`,
    `make directory ${configurations}/.mbctl-snapshots/web (700)`,
    `make directory ${storage}/.mbctl-snapshots/web (700)`,
    `remove ${trees}/.mbctl-snapshots/web/.mbctl-new`,
    `remove ${configurations}/.mbctl-snapshots/web/.mbctl-new`,
    `remove ${storage}/.mbctl-snapshots/web/.mbctl-new`,
    `remove ${trees}/.mbctl-old.web`,
    `remove ${configurations}/.mbctl-old.web`,
    `remove ${storage}/.mbctl-old.web`,
    `make directory ${trees}/.mbctl-snapshots/web/.mbctl-new (700)`,
    expect.stringMatching(/^write .*\/\.mbctl-new\/snapshot\.json \(600, \d+ bytes\)$/),
    ...clones,
    `sync ${trees}/.mbctl-snapshots/web`,
    `sync ${configurations}/.mbctl-snapshots/web`,
    `sync ${storage}/.mbctl-snapshots/web`,
  ]);
  expect(words(undo)).toEqual([
    `remove ${trees}/.mbctl-snapshots/web/.mbctl-new`,
    `remove ${configurations}/.mbctl-snapshots/web/.mbctl-new`,
    `remove ${storage}/.mbctl-snapshots/web/.mbctl-new`,
  ]);
  const settled = [configurations, storage, trees].map(
    (folder) =>
      `move ${folder}/.mbctl-snapshots/web/.mbctl-new to ${folder}/.mbctl-snapshots/web/one, unless it is there`,
  );
  expect(words(redo)).toEqual(settled);
});

test("planSnapshot() holds a machine for the clones alone, and lets it go on when they fail", () => {
  const frozen = plan("frozen");
  expect(words(frozen.prepare)).toContain(
    `freeze systemd-nspawn@web.service; ${clones.join("; ")}; thaw it`,
  );
  expect(words(frozen.undo)[0]).toBe("thaw systemd-nspawn@web.service, if it is frozen");
  const stopped = words(plan("stopped").prepare);
  const first = stopped.indexOf("systemctl stop systemd-nspawn@web.service");
  expect(stopped.slice(first + 1, first + 2 + clones.length)).toEqual([
    ...clones,
    "systemctl start systemd-nspawn@web.service",
  ]);
  expect(words(plan("stopped").undo)[0]).toBe("systemctl start systemd-nspawn@web.service");
});

test("planSnapshot() leaves the data alone that is not part of it", () => {
  const { prepare, redo } = plan("untouched", false);
  const named = words([...prepare, ...redo]).filter((text) => text.includes(storage ?? ""));
  expect(named.filter((text) => !text.startsWith("remove "))).toEqual([]);
});
