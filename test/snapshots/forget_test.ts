import { expect, test } from "bun:test";
import { describeStep } from "../../lib/steps/step.ts";
import { planForget, surplus } from "../../lib/snapshots/forget.ts";
import { parseLabel } from "../../lib/snapshots/label.ts";
import { name, snapshotOf } from "./_snapshots.ts";

test("planForget() removes all parts of a snapshot, the one that says it is there last", () => {
  const { redo, prepare, undo } = planForget("/", name, [parseLabel("one")]);
  expect({ prepare, undo }).toEqual({ prepare: [], undo: [] });
  expect(redo.map(describeStep)).toEqual([
    "remove /var/lib/man8machine_configs/.mbctl-snapshots/web/one",
    "remove /var/lib/man8machine_storage/.mbctl-snapshots/web/one",
    "remove /var/lib/man8machines/.mbctl-snapshots/web/one",
  ]);
});

test("surplus() names the oldest of mbctl's own making, and none of the user's", () => {
  const snapshots = [
    snapshotOf("mine"),
    snapshotOf("a", { reason: "upgrade" }),
    snapshotOf("b", { reason: "rollback" }),
    snapshotOf("mine-too"),
    snapshotOf("c", { reason: "reset" }),
  ];
  expect<string[]>(surplus(snapshots, 5, Number.MAX_SAFE_INTEGER)).toEqual([]);
  expect<string[]>(surplus(snapshots, 3, Number.MAX_SAFE_INTEGER)).toEqual([]);
  expect<string[]>(surplus(snapshots, 2, Number.MAX_SAFE_INTEGER)).toEqual(["a"]);
  expect<string[]>(surplus(snapshots, 0, Number.MAX_SAFE_INTEGER)).toEqual(["a", "b", "c"]);
});

test("surplus() never names the latest first, also when the clock was wrong before", () => {
  const snapshots = [
    snapshotOf("now", { reason: "rollback", createdMs: 1000 }),
    snapshotOf("wrong", { reason: "upgrade", createdMs: 2000 }),
  ];
  expect<string[]>(surplus(snapshots, 1, 1000)).toEqual(["wrong"]);
  expect<string[]>(surplus(snapshots, 1, 2000)).toEqual(["now"]);
});
