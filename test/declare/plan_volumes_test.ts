/** What becomes of volumes, as steps. */

import { expect, test } from "bun:test";
import { planVolumes } from "../../lib/declare/plan_volumes.ts";
import { machinePaths } from "../../lib/paths.ts";
import { describeStep } from "../../lib/steps/step.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import type { Volume } from "../../lib/spec/machine_spec.ts";

const paths = machinePaths("/", parseMachineName("web"));
const [storage, configs] = ["/var/lib/man8machine_storage", "/var/lib/man8machine_configs"];

function plan(before: readonly Volume[], after: readonly Volume[], there: readonly string[] = []) {
  const { prepare, undo, redo, moves, notes } = planVolumes(paths, before, after, (path) =>
    there.includes(path),
  );
  const words = [prepare, undo, redo].map((steps) => steps.map(describeStep));
  return { prepare: words[0], undo: words[1], redo: words[2], moves, notes };
}

const data: Volume = { path: "/data", kind: "data" };
const nothing = { prepare: [], undo: [], redo: [], moves: [], notes: [] };

test("what stays where it is needs nothing", () => {
  expect(plan([data], [{ ...data, isReadOnly: true }])).toEqual(nothing);
});

test("a new volume gets what the root tree has there", () => {
  const clear = `remove ${storage}/.mbctl-new.web`;
  expect(plan([], [data])).toEqual({
    prepare: [
      clear,
      `copy /data of /var/lib/man8machines/web to ${storage}/.mbctl-new.web/0`,
      `sync ${storage}`,
    ],
    undo: [clear],
    redo: [
      `make directory ${storage}/web (755)`,
      `move ${storage}/.mbctl-new.web/0 to ${storage}/web/data, unless it is there`,
      clear,
    ],
    moves: [],
    notes: [],
  });
});

test("what lies in the storage folder already is taken as it is", () => {
  const { prepare, notes } = plan([], [data], [`${storage}/web/data`]);
  expect(prepare).toEqual([]);
  expect(notes).toEqual([`taken as it is: ${storage}/web/data, for the volume /data`]);
});

test("another class moves the data: copied, put in place, and only then removed", () => {
  const { prepare, redo, moves } = plan([data], [{ path: "/data", kind: "config" }]);
  expect(moves).toEqual([`/data: from ${storage}/web/data to ${configs}/web/data`]);
  expect(prepare?.slice(-2)).toEqual([
    `copy /data of ${storage}/web to ${configs}/.mbctl-new.web/0`,
    `sync ${configs}`,
  ]);
  expect(redo?.slice(1)).toEqual([
    `move ${configs}/.mbctl-new.web/0 to ${configs}/web/data, unless it is there`,
    `remove ${storage}/web/data`,
    `remove ${configs}/.mbctl-new.web`,
  ]);
});

test("data never moves over other data", () => {
  const there = [`${configs}/web/data`];
  expect(() => plan([data], [{ path: "/data", kind: "config" }], there)).toThrow(
    "Cannot move the data of the volume /data",
  );
});

test("a folder of the administrator's is copied from, and never removed", () => {
  const host: Volume = { path: "/data", kind: "host", source: "/srv/x" };
  const { redo, notes } = plan([host], [data]);
  expect(redo).not.toContain("remove /srv/x");
  expect(notes).toEqual(["left alone: /srv/x, whose content was copied"]);
});

test("data that moves to a folder of the administrator's is copied there whatever it holds, or not removed", () => {
  const host: Volume = { path: "/data", kind: "host", source: "/srv/x" };
  const moving = plan([data], [host]);
  expect(moving.prepare).toEqual([`copy /data of ${storage}/web for /srv/x`]);
  expect(moving.redo).toContain(`remove ${storage}/web/data`);
  expect(plan([], [host]).prepare).toEqual([
    "copy /data of /var/lib/man8machines/web for /srv/x, if that is empty",
  ]);
});

test("a new volume never goes into one that the machine has written to", () => {
  const inner: Volume = { path: "/data/x/inner", kind: "data" };
  expect(() => plan([data], [data, inner])).toThrow(
    "Cannot add the volume /data/x/inner: it would lie in the volume /data",
  );
  expect(plan([data], [data, { ...inner, kind: "skip" }])).toEqual(nothing);
  expect(plan([data, inner], [data, inner])).toEqual(nothing);
  expect(plan([], [data, inner]).prepare?.length).toBe(4);
});

test("a volume that is not wanted any more is left alone, and named", () => {
  const left = `left alone: ${storage}/web/data, which was the volume /data`;
  expect(plan([data], []).notes).toEqual([left]);
  expect(plan([data], [{ path: "/data", kind: "skip" }])).toEqual({ ...nothing, notes: [left] });
});

test("a volume is never moved from around another one, which would be removed with it", () => {
  const inner: Volume = { path: "/data/inner", kind: "data" };
  const moved: Volume = { path: "/data", kind: "config" };
  expect(() => plan([data, inner], [moved, inner])).toThrow("the volume /data/inner lies in it");
  expect(() => plan([data], [moved, inner])).toThrow("the volume /data/inner lies in it");
  // What goes along is copied with it.
  expect(plan([data, inner], [moved, { ...inner, kind: "config" }]).moves.length).toBe(2);
  expect(plan([data, inner], [moved]).moves.length).toBe(1);
});

test("a whole system can write to all of its storage: nothing is made there by the host", () => {
  const add = (volume: Volume) => planVolumes(paths, [], [volume], () => false, true);
  expect(() => add(data)).toThrow(
    "Cannot keep the volume /data in the machine's storage: a whole system writes to all of that, as /oci/storage",
  );
  expect(() => add({ path: "/apps/x", kind: "config" })).toThrow("Cannot keep the volume /apps/x");
  expect(add({ path: "/data", kind: "host", source: "/srv" }).redo).toHaveLength(1);
});

test("nothing is removed where a link of the machine's could lead to the host's own folders", () => {
  const inner: Volume = { path: "/data/x/inner", kind: "data" };
  const away: Volume = { ...inner, kind: "host", source: "/srv/inner" };
  const left = `left alone: ${storage}/web/data/x/inner, whose content was copied`;
  const moves = [planVolumes(paths, [data, inner], [data, away], () => false)];
  moves.push(planVolumes(paths, [inner], [away], () => false, true));
  for (const { redo, notes } of moves) {
    expect(redo.map(describeStep).filter((words) => words.startsWith("remove"))).toEqual([]);
    expect(notes).toEqual([left]);
  }
  // Nobody but the host writes to what is around it.
  const { redo } = planVolumes(paths, [inner], [away], () => false);
  expect(redo.map(describeStep)).toContain(`remove ${storage}/web/data/x/inner`);
});
