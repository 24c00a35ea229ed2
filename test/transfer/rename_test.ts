import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Change, applyChange, recoverChange } from "../../lib/change/apply_change.ts";
import { journalStep } from "../../lib/change/journal.ts";
import { type Host, openHost } from "../../lib/host/host.ts";
import { applySteps } from "../../lib/steps/apply.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { parseLabel } from "../../lib/snapshots/label.ts";
import { formatSnapshot } from "../../lib/snapshots/snapshot_document.ts";
import { prepareRename } from "../../lib/transfer/rename.ts";
import { snapshot } from "../machine/_snapshot.ts";
import { filesOf, prefixText, specOf, writeMachine } from "./_machine.ts";

setDefaultTimeout(60_000);

const [web, www, api] = ["web", "www", "api"].map(parseMachineName) as [
  ReturnType<typeof parseMachineName>,
  ReturnType<typeof parseMachineName>,
  ReturnType<typeof parseMachineName>,
];

let dir: string;
let root: string;
let host: Host;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mbctl-rename-"));
  root = join(dir, "root");
  put(join(root, "etc/mbctl/config.toml"), `prefix = "${prefixText}"\n`);
  put(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  host = openHost({ root, log: { command: () => {} } });
});
afterEach(() => rmSync(dir, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A machine with its links, an administrator's drop-in, a boot entry and a snapshot. */
function install(name: typeof web, choices = {}): void {
  const paths = machinePaths(root, name);
  writeMachine(root, specOf(name, choices));
  for (const [path, target] of [
    [paths.nspawnLink, `/var/lib/man8machine_configs/${name}/container.nspawn`],
    [paths.machineLink, `/var/lib/man8machines/${name}`],
    [paths.bootLink, "/lib/systemd/system/systemd-nspawn@.service"],
  ] as const) {
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
  }
  put(join(paths.unitDropInFolder, "90-mine.conf"), `[Service]\nEnvironment=D=${paths.storage}\n`);
  const kept = join(paths.snapshots.configurations, "before");
  put(join(kept, "machine.toml"), filesOf(specOf(name)).machineToml);
  put(join(kept, "man8env.env"), filesOf(specOf(name)).envFile);
  const { image } = specOf(name);
  const about = { name, label: parseLabel("before"), createdMs: 0 } as const;
  put(
    join(paths.snapshots.trees, "before/snapshot.json"),
    formatSnapshot({ ...about, reason: "manual", image, hasData: false }),
  );
}

async function prepare(from = web, to = www): Promise<Change> {
  return (await prepareRename(host, { from, to })).change;
}

test("gives a machine with everything of it another name", async () => {
  install(www);
  await deriveNow();
  const wanted = snapshot(dir);
  rmSync(root, { recursive: true });
  put(join(root, "etc/mbctl/config.toml"), `prefix = "${prefixText}"\n`);
  put(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  install(web);
  // --root is part of this one path only here: an administrator writes what the host itself sees.
  expect(await applyChange(await prepare(), { host })).toBe("done");
  expect(withoutSnapshotsFolder(snapshot(dir))).toEqual(withoutSnapshotsFolder(wanted));
});

/** Firewall and names as they are for a machine that was always called so. */
async function deriveNow(): Promise<void> {
  await applySteps([{ kind: "derive-host" }], { host });
}

/** The drop-in of these tests names a path with the temporary folder in it, which mbctl cannot know. */
function withoutSnapshotsFolder(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.includes("90-mine.conf"));
}

test("renames where another machine names it, edits and comments kept", async () => {
  install(web);
  install(api, { depends: [web] });
  const paths = machinePaths(root, api);
  const edited = `# mine\n${readFileSync(paths.machineToml, "utf8")}`;
  writeFileSync(paths.machineToml, edited);
  const { change, others } = await prepareRename(host, { from: web, to: www });
  expect(others).toEqual([api]);
  await applyChange(change, { host });
  expect(readFileSync(paths.machineToml, "utf8")).toBe(edited.replace('"web"', '"www"'));
  const rendered = filesOf(specOf("api", { depends: [www] }));
  expect(readFileSync(paths.unitDropIn, "utf8")).toBe(rendered.unitDropIn);
  expect(readFileSync(paths.applied.unitDropIn, "utf8")).toBe(rendered.unitDropIn);
});

/** What a kill after so many steps of each part leaves. */
async function kill(change: Change, prepared: number, done: number): Promise<void> {
  const path = machinePaths(root, web).changeMarker;
  const { verb } = change;
  await applySteps([journalStep(path, { phase: "prepare", verb, steps: change.undo })], { host });
  await applySteps(change.prepare.slice(0, prepared), { host });
  if (prepared < change.prepare.length) return;
  await applySteps([journalStep(path, { phase: "commit", verb, steps: change.redo })], { host });
  await applySteps(change.redo.slice(0, done), { host });
}

test.each([web, www, api])("what a kill leaves is ended under the name %p", async (name) => {
  install(web);
  install(api, { depends: [web] });
  const before = snapshot(dir);
  const change = await prepare();
  await applyChange(change, { host });
  const after = snapshot(dir);
  const points = [
    ...change.prepare.map((_, index) => [index, 0] as const),
    ...change.redo.map((_, index) => [change.prepare.length, index] as const),
  ];
  expect(points.length).toBeGreaterThan(20);
  // Under the other names a few are enough.
  for (const [prepared, done] of points.filter((_, at) => name === web || at % 3 === 0)) {
    rmSync(root, { recursive: true });
    put(join(root, "etc/mbctl/config.toml"), `prefix = "${prefixText}"\n`);
    put(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
    install(web);
    install(api, { depends: [web] });
    const again = await prepare();
    await kill(again, prepared, done);
    await recoverChange(host, name, { host });
    // Before its link is there, nothing has been done in the name of another machine.
    const isKnown = name === web || prepared > (name === www ? 0 : 1);
    if (!isKnown) await recoverChange(host, web, { host });
    // What is left are links that lead nowhere.
    for (const each of [web, www, api]) {
      expect(await recoverChange(host, each, { host })).toBe("nothing");
    }
    const isDecided = prepared === change.prepare.length;
    expect({ prepared, done, tree: snapshot(dir) }).toEqual({
      prepared,
      done,
      tree: isDecided ? after : before,
    });
  }
});

test("refuses a name that is taken", async () => {
  install(web);
  install(www);
  expect(prepare()).rejects.toThrow(/Cannot make the machine "www": the name is in use by /);
});

test("takes a name that differs in its case alone", async () => {
  install(web);
  const to = parseMachineName("Web");
  await applyChange(await prepare(web, to), { host });
  expect(readlinkSync(machinePaths(root, to).machineLink)).toBe("/var/lib/man8machines/Web");
});

test("refuses a machine that is not there, and its own name", async () => {
  expect(prepare()).rejects.toThrow('Cannot find the machine "web": there is no such machine');
  expect(prepare(web, web)).rejects.toThrow('Cannot rename "web": that is its name');
});
