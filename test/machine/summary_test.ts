import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { expect, test } from "bun:test";
import { MbctlError } from "../../lib/errors.ts";
import type { UnitState } from "../../lib/host/systemd.ts";
import type { ListedMachine } from "../../lib/machine/inventory.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { summarize } from "../../lib/machine/summary.ts";

const unit: UnitState = {
  active: "active",
  sinceMs: 1_700_000_000_000,
  isEnabled: true,
  exitStatus: 0,
  result: "success",
  mainPid: 1,
};
const machine: ListedMachine = {
  name: parseMachineName("web"),
  spec: {
    name: parseMachineName("web"),
    ...defaultChoices,
    image: { reference: "docker.io/library/x:1", digest: "sha256:a", manifestDigest: "sha256:b" },
    environment: [],
    volumes: [],
  },
  address: "300::1",
  ula: undefined,
  unit,
  pending: undefined,
};

test("summarize() tells name, state, address, image and time", () => {
  expect(summarize(machine)).toEqual({
    name: "web",
    state: "running",
    health: undefined,
    address: "300::1",
    image: "docker.io/library/x:1",
    since: "2023-11-14T22:13:20Z",
    startsAtBoot: true,
  });
});

const problem = new MbctlError("usage", "broken");
const states: readonly (readonly [change: Partial<ListedMachine>, state: string])[] = [
  [{ unit: { ...unit, active: "inactive" } }, "stopped"],
  [{ unit: undefined }, "stopped"],
  [{ unit: undefined, lacksTree: true }, "no root tree"],
  [{ unit: { ...unit, active: "failed" }, lacksTree: true }, "no root tree"],
  [{ unit: { ...unit, active: "activating" } }, "starting"],
  [{ unit: { ...unit, active: "deactivating" } }, "stopping"],
  [{ unit: { ...unit, active: "reloading" } }, "reloading"],
  [{ unit: { ...unit, active: "failed", result: "exit-code", exitStatus: 3 } }, "failed (3)"],
  [{ unit: { ...unit, active: "failed", result: "exit-code", exitStatus: 0 } }, "failed (start)"],
  [{ unit: { ...unit, active: "failed", result: "signal", exitStatus: 9 } }, "failed (signal)"],
  [{ unit: { ...unit, active: "failed", result: "timeout" } }, "failed (timeout)"],
  [{ pending: "pull" }, "pull unfinished"],
  [{ pending: "remove", unit: { ...unit, active: "failed" } }, "remove unfinished"],
  [{ spec: undefined, problem, unit: undefined }, "broken"],
  [{ spec: undefined, problem, unit: { ...unit, active: "inactive" } }, "broken"],
  [{ spec: undefined, problem }, "running"],
];
test.each(states)("summarize() puts %j into words", (change, state) => {
  expect(summarize({ ...machine, ...change }).state).toBe(state);
});

test("summarize() leaves out what is not known", () => {
  const { image, since, startsAtBoot } = summarize({
    ...machine,
    spec: undefined,
    unit: undefined,
  });
  expect([image, since, startsAtBoot]).toEqual([undefined, undefined, false]);
});
