import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readMachineState } from "../../lib/check/read_machine_files.ts";
import { defaultHostConfig } from "../../lib/config/host_config.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { machinePaths } from "../../lib/paths.ts";
import { renderMachine } from "../../lib/render/render.ts";
import { facts, image, name, spec } from "../change/_machine.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-check-"));
});
afterEach(() => rmSync(root, { recursive: true }));

test("readMachineState() finds a unit that does not look after a volume in a volume", () => {
  const volumes = [
    { path: "/a", kind: "data" },
    { path: "/a/b", kind: "data" },
  ] as const;
  const [run, spawn] = [makeRun(), makeSpawn()];
  const host = { root, isLive: false, run, spawn, config: defaultHostConfig, name: "hosta" };
  const lacks = (machine: typeof spec, isOlder: boolean) => {
    const paths = machinePaths(root, name);
    const files = renderMachine(machine, image, facts, { isOlder });
    for (const key of ["machineToml", "envFile", "unitDropIn"] as const) {
      mkdirSync(dirname(paths[key]), { recursive: true });
      writeFileSync(paths[key], files[key]);
    }
    return readMachineState(host, name).lacksVolumeGuard;
  };
  expect(lacks({ ...spec, volumes }, true)).toBe(true);
  expect(lacks({ ...spec, volumes }, false)).toBe(false);
  expect(lacks(spec, true)).toBe(false);
});
