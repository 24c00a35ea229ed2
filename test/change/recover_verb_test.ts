/** `machines recover`: what a killed run had begun, whatever it was. */

import { afterAll, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { listPending } from "../../lib/machine/inventory.ts";
import { machinePaths } from "../../lib/paths.ts";
import { type MachineName, parseMachineName } from "../../lib/spec/machine_name.ts";
import { transcript } from "../cli/transcript.ts";

const root = mkdtempSync(join(tmpdir(), "mbctl-recover-"));
afterAll(() => rmSync(root, { recursive: true }));
const table = { "machines recover": () => import("../../scripts/machines-recover.ts") };
const [web, db, gone] = [parseMachineName("web"), parseMachineName("db"), parseMachineName("gone")];
const paths = (name: MachineName) => machinePaths(root, name);

function put(path: string, text = ""): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A change that is decided, one that was only prepared, and a removal. */
function leave() {
  const [old, staged] = [put(join(root, "srv/old")), put(join(root, "srv/staged"))];
  const journal = (phase: string, path: string) =>
    JSON.stringify({
      version: 1,
      journal: { phase, verb: "apply", steps: [{ kind: "remove", path }] },
    });
  put(paths(web).changeMarker, journal("commit", old));
  put(paths(db).changeMarker, journal("prepare", staged));
  put(paths(gone).removeMarker);
  put(join(paths(gone).tree, "bin/sh"));
  put(join(root, "etc/mbctl/config.toml"), 'prefix = "300:2e98:a4b0:1789::/64"\n');
}

beforeEach(() => {
  for (const name of ["srv", "var", "etc", "run"]) {
    rmSync(join(root, name), { recursive: true, force: true });
  }
  leave();
});

const recover = (...words: string[]) =>
  transcript(table, ["machines", "recover", `--root=${root}`, ...words], {
    workingDirectory: root,
  });

test.skipIf(process.getuid?.() !== 0)("all of it is ended, and then there is nothing", async () => {
  const said = await recover();
  expect([said.exitCode, said.stderr.split("\n").sort()]).toEqual([
    0,
    ["", "db: cleared", "gone: removed", "web: done"],
  ]);
  expect(listPending(root)).toEqual([]);
  expect(["srv/old", "srv/staged"].map((path) => existsSync(join(root, path)))).toEqual([
    false,
    false,
  ]);
  expect(existsSync(paths(gone).tree)).toBe(false);
  expect((await recover()).stderr).toBe("");
});

test.skipIf(process.getuid?.() !== 0)("of the machines that are named alone", async () => {
  expect((await recover("db")).stderr).toBe("db: cleared\n");
  expect(listPending(root).map(({ name, work }) => `${name} ${work}`)).toEqual([
    "web change",
    "gone remove",
  ]);
});

test("a dry run ends nothing", async () => {
  const { stdout } = await recover("--dry-run");
  expect(stdout.split("\n").sort()).toEqual([
    "",
    "end the change of db",
    "end the change of web",
    "end the remove of gone",
  ]);
  expect(listPending(root)).toHaveLength(3);
});
