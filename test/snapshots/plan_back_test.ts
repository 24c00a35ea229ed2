import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defaultHostConfig } from "../../lib/config/host_config.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { applySteps } from "../../lib/steps/apply.ts";
import { machinePaths } from "../../lib/paths.ts";
import type { Step } from "../../lib/steps/step.ts";
import { keepCurrent } from "../../lib/snapshots/keep_current.ts";
import { planBack } from "../../lib/snapshots/plan_back.ts";
import { snapshot } from "../machine/_snapshot.ts";
import { name, snapshotOf } from "./_snapshots.ts";

const unitFiles = [{ name: "50-mbctl.conf", text: "then" }];

/** A machine in a folder, a change of it that keeps what it was, and the way back. */
async function changed(): Promise<
  Disposable & {
    readonly root: string;
    readonly before: string[];
    readonly back: readonly Step[];
    apply(steps: readonly Step[]): Promise<void>;
  }
> {
  const root = mkdtempSync(join(tmpdir(), "mbctl-back-"));
  const paths = machinePaths(root, name);
  const [run, spawn] = [makeRun(), makeSpawn()];
  const host = { root, isLive: false, run, spawn, config: defaultHostConfig, name: "hosta" };
  const apply = (steps: readonly Step[]) => applySteps(steps, { host });
  const write = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  for (const folder of [paths.tree, paths.configuration, paths.storage])
    write(join(folder, "file"), "then");
  write(paths.unitDropIn, "then");
  const seen = () =>
    snapshot(root).filter((line) => !/unit\.d|\.mbctl\/|mbctl-snapshots/.test(line));
  const before = seen();
  const one = snapshotOf("one", { hasData: true });
  const kept = keepCurrent({
    ...{ paths, snapshot: one, unitFiles },
    ...{ tree: "none", configuration: "clone", data: "clone" },
  });
  await apply([...kept.prepare, ...kept.clones, ...kept.sync]);
  write(join(paths.stagedTree, "file"), "now");
  const exchange = { from: paths.stagedTree, to: paths.tree, aside: kept.paths.tree };
  await apply([...kept.redo, { kind: "exchange", ...exchange }]);
  for (const folder of [paths.configuration, paths.storage]) write(join(folder, "file"), "now");
  write(paths.unitDropIn, "now");
  expect(seen()).not.toEqual(before);
  const { swap, clear } = planBack({ paths, label: one.label, hasData: true, unitFiles });
  return {
    ...{ root, before, back: [...swap, ...clear], apply },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}
const seenIn = (root: string) =>
  snapshot(root).filter((line) => !/\.mbctl\/ |unit\.d|\.mbctl-snapshots\/(web\/)? /.test(line));

test("planBack() leads back to what keepCurrent() kept, and uses the snapshot up", async () => {
  using machine = await changed();
  await machine.apply(machine.back);
  expect(seenIn(machine.root)).toEqual(machine.before);
});

test("planBack() may be broken off after any step, and done anew", async () => {
  using first = await changed();
  for (let done = 1; done <= first.back.length; done++) {
    using machine = await changed();
    await machine.apply(machine.back.slice(0, done));
    await machine.apply(machine.back);
    expect(seenIn(machine.root)).toEqual(machine.before);
  }
});
