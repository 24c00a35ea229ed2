import { expect, test } from "bun:test";
import { describeStep, type Step } from "../../lib/steps/step.ts";
import { planReset, type ResetPlan } from "../../lib/snapshots/plan_reset.ts";
import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { name, paths, snapshotOf } from "./_snapshots.ts";

const { image } = snapshotOf("one");
const plan = (more: Partial<ResetPlan> = {}) =>
  planReset({
    root: "/",
    paths,
    spec: { name, ...defaultChoices, image, environment: [], volumes: [] },
    tree: { kind: "stored", path: "/trees/one", isThere: true },
    fitting: { kind: "init", busybox: "/usr/bin/busybox", needs: { directories: ["/work"] } },
    keep: snapshotOf("before", { reason: "reset" }),
    ...{ isLive: true, isRunning: true, unitFiles: [] },
    ...more,
  });
const words = (steps: readonly Step[]) => steps.map(describeStep);
const trees = "/var/lib/man8machines";

test("planReset() makes the tree beside the old one, as a pull does", () => {
  const all = words(plan().prepare);
  const first = all.indexOf(`clone /trees/one to ${trees}/.mbctl-new.web`);
  expect(all.slice(first, first + 3)).toEqual([
    `clone /trees/one to ${trees}/.mbctl-new.web`,
    `make missing directories in ${trees}/.mbctl-new.web: /work`,
    `install man8s-init in ${trees}/.mbctl-new.web with /usr/bin/busybox`,
  ]);
  expect(all).toContain(`sync ${trees}/.mbctl-new.web`);
});

test("planReset() touches neither configuration nor data of the machine", () => {
  const touched = plan().redo.flatMap((step) =>
    step.kind === "exchange" || step.kind === "settle" ? [step.to] : [],
  );
  expect(touched).toEqual([
    "/var/lib/man8machine_configs/.mbctl-snapshots/web/before",
    `${trees}/.mbctl-snapshots/web/before`,
    paths.tree,
  ]);
});

test("planReset() copies the configuration while nobody writes to it", () => {
  const copy = "clone /var/lib/man8machine_configs/web to ";
  const { prepare, undo } = plan();
  expect(words(prepare).filter((text) => text.includes(copy))).toEqual([
    expect.stringMatching(/^freeze systemd-nspawn@web.service; clone .*; thaw it$/),
  ]);
  expect(words(undo)[0]).toBe("thaw systemd-nspawn@web.service, if it is frozen");
  const stopped = plan({ isRunning: false });
  expect(words(stopped.prepare).filter((text) => text.startsWith(copy))).toHaveLength(1);
  expect(words(stopped.undo)[0]).toStartWith("remove ");
});

test("planReset() removes the old tree only when it is not to be kept", () => {
  const aside = (more?: Partial<ResetPlan>) =>
    plan(more).redo.flatMap((step) => (step.kind === "exchange" ? [step.aside] : []));
  expect(aside()).toEqual([`${trees}/.mbctl-snapshots/web/before/tree`]);
  expect(aside({ keep: undefined })).toEqual([paths.oldTree]);
});
