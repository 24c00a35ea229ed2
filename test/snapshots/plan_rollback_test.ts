import { expect, test } from "bun:test";
import { describeStep, type Step } from "../../lib/steps/step.ts";
import { planRollbackTo, type RollbackPlan } from "../../lib/snapshots/plan_rollback.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { paths, snapshotOf } from "./_snapshots.ts";

const { name, image } = snapshotOf("one");
const spec: MachineSpec = { name, ...defaultChoices, image, environment: [], volumes: [] };
const plan = (more: Partial<RollbackPlan> = {}) =>
  planRollbackTo({
    root: "/",
    ...{ paths, spec, snapshot: snapshotOf("one", { hasData: true }), withData: true },
    keep: snapshotOf("before", { reason: "rollback", hasData: true }),
    ...{ isLive: true, isRunning: true, patches: [] },
    unitFiles: { present: [], former: [] },
    ...more,
  });
const words = (steps: readonly Step[]) => steps.map(describeStep);
const folders = ["man8machines", "man8machine_storage", "man8machine_configs"].map(
  (folder) => `/var/lib/${folder}`,
);
const [trees = "", storage = "", configurations = ""] = folders;

test("planRollbackTo() stops the machine for renames alone, and keeps what was", () => {
  expect(words(plan().redo)).toEqual([
    "systemctl stop systemd-nspawn@web.service",
    "remove /var/lib/machines/web",
    `move ${trees}/.mbctl-snapshots/web/.mbctl-new to ${trees}/.mbctl-snapshots/web/before, unless it is there`,
    `put ${trees}/.mbctl-new.web in the place of ${trees}/web, and that to ${trees}/.mbctl-snapshots/web/before/tree`,
    `put ${storage}/.mbctl-new.web in the place of ${storage}/web, and that to ${storage}/.mbctl-snapshots/web/before`,
    `put ${configurations}/.mbctl-new.web in the place of ${configurations}/web, and that to ${configurations}/.mbctl-snapshots/web/before`,
    "link /var/lib/machines/web -> /var/lib/man8machines/web",
    "systemctl daemon-reload",
    "bring firewall, names and relays of the host in line with its machines",
    "systemctl start systemd-nspawn@web.service",
    ...folders
      .toSorted((a, b) => rank(a) - rank(b))
      .map((folder) => `remove ${folder}/.mbctl-old.web`),
  ]);
});
const rank = (folder: string) => [trees, configurations, storage].indexOf(folder);

test("planRollbackTo() clones the snapshot: it can be gone back to again", () => {
  const { prepare } = plan();
  expect(words(prepare).filter((text) => text.startsWith("clone "))).toEqual([
    `clone ${trees}/.mbctl-snapshots/web/one/tree to ${trees}/.mbctl-new.web`,
    `clone ${configurations}/.mbctl-snapshots/web/one to ${configurations}/.mbctl-new.web`,
    `clone ${storage}/.mbctl-snapshots/web/one to ${storage}/.mbctl-new.web`,
  ]);
});

test("planRollbackTo() leaves data alone, and takes nothing of a snapshot, without being told", () => {
  const { prepare, redo } = plan({ withData: false, keep: snapshotOf("before") });
  const named = words([...prepare, ...redo]).filter((text) => text.includes(storage));
  expect(named.filter((text) => !text.startsWith("remove "))).toEqual([]);
});

test("planRollbackTo() puts what is not to be kept aside, and removes it last", () => {
  const { redo } = plan({ keep: undefined });
  const aside = redo.flatMap((step) => (step.kind === "exchange" ? [step.aside] : []));
  expect(aside).toEqual([paths.oldTree, paths.oldStorage, paths.oldConfiguration]);
  expect(
    redo
      .slice(-3)
      .flatMap((step) => (step.kind === "remove" ? [step.path] : []))
      .sort(),
  ).toEqual(aside.sort());
});

test("planRollbackTo() limits the clone as the machine was limited", () => {
  const { prepare } = plan({ spec: { ...spec, limits: { disk: 2 ** 30 } } });
  const limit = prepare.findIndex(({ kind }) => kind === "limit-tree");
  expect(prepare[limit]).toEqual({ kind: "limit-tree", tree: paths.stagedTree, bytes: 2 ** 30 });
  expect(prepare[limit - 1]).toMatchObject({ kind: "clone-tree", tree: paths.stagedTree });
});

test("planRollbackTo() writes secrets and addresses of now into the configuration of then", () => {
  const patches = [{ path: ".mbctl/secrets/key.cred", text: "now", mode: 0o600 }];
  const { prepare } = plan({ patches });
  const at = words(prepare).indexOf(
    `write ${configurations}/.mbctl-new.web/.mbctl/secrets/key.cred (600, 3 bytes)`,
  );
  expect(at).toBeGreaterThan(
    words(prepare).indexOf(
      `clone ${configurations}/.mbctl-snapshots/web/one to ${configurations}/.mbctl-new.web`,
    ),
  );
});

test("planRollbackTo() asks no systemd of a machine that does not run, or below another root", () => {
  const { prepare, redo } = plan({ isLive: false, isRunning: false });
  expect(words([...prepare, ...redo]).filter((text) => text.startsWith("systemctl"))).toEqual([]);
});
