import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readPresentMachine } from "../../lib/change/present_machine.ts";
import { defaultHostConfig } from "../../lib/config/host_config.ts";
import type { Host } from "../../lib/host/host.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { machinePaths, type MachinePaths } from "../../lib/paths.ts";
import { imageText, name, presentMachine, spec } from "./_machine.ts";

let host: Host;
let paths: MachinePaths;
const present = presentMachine();

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "mbctl-present-"));
  const [run, spawn] = [makeRun(), makeSpawn()];
  host = { root, isLive: false, run, spawn, config: defaultHostConfig, name: "hosta" };
  paths = machinePaths(root, name);
});
afterEach(() => rmSync(host.root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, "latin1");
}

/** Writes the files of a machine; those of an older mbctl are the edited ones alone. */
function writeMachine(isOld = false): void {
  write(paths.machineToml, present.machineToml);
  write(paths.nspawn, "edited \xff");
  write(paths.envFile, present.ours.envFile);
  if (isOld) return;
  write(paths.applied.machineToml, present.machineToml);
  write(paths.applied.nspawn, present.ours.nspawn);
  write(paths.applied.envFile, present.ours.envFile);
  write(paths.applied.unitDropIn, present.ours.unitDropIn);
  write(paths.applied.image, imageText);
}

test("readPresentMachine() tells what is there from what was rendered", () => {
  writeMachine();
  expect(readPresentMachine(host, name)).toEqual({
    ...present,
    // A file that is missing is empty.
    ours: { nspawn: "edited \xff", envFile: present.ours.envFile, unitDropIn: "" },
  });
});

test("readPresentMachine() tells what was applied, not what machine.toml was made into since", () => {
  writeMachine();
  const edited = present.machineToml.replace('MINE = "1"', 'MINE = "2"');
  expect(edited).not.toBe(present.machineToml);
  write(paths.machineToml, edited);
  expect(readPresentMachine(host, name)).toMatchObject({ machineToml: edited, spec });
});

test("readPresentMachine() knows neither rendering nor image of a machine of an older mbctl", () => {
  writeMachine(true);
  expect(readPresentMachine(host, name)).toMatchObject({ spec, base: undefined, image: undefined });
});

test("readPresentMachine() refuses what is no machine, and an image's configuration that is none", () => {
  expect(() => readPresentMachine(host, name)).toThrow("there is no such machine");
  writeMachine();
  write(paths.applied.image, "[]");
  expect(() => readPresentMachine(host, name)).toThrow(`Cannot read "${paths.applied.image}": `);
});
