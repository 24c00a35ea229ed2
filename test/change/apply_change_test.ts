import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { applyChange, type Change, recoverChange } from "../../lib/change/apply_change.ts";
import { defaultHostConfig } from "../../lib/config/host_config.ts";
import type { Host } from "../../lib/host/host.ts";
import { makeRun } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import type { ApplyTools } from "../../lib/steps/apply.ts";
import { machinePaths } from "../../lib/paths.ts";
import type { Step } from "../../lib/steps/step.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const name = parseMachineName("web");
let root = "";
let host: Host;
let warnings: string[] = [];
let steps: string[] = [];
let tools: ApplyTools;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-change-"));
  mkdirSync(join(root, "var/lib/man8machine_configs"), { recursive: true });
  const [run, spawn] = [makeRun(), makeSpawn()];
  host = { root, isLive: false, run, spawn, config: defaultHostConfig, name: "hosta" };
  [warnings, steps] = [[], []];
  tools = {
    host,
    onWarning: (text) => warnings.push(text),
    onStep: (text) => steps.push(text),
  };
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (path: string) => join(root, path);
const write = (path: string, text = path): Step => ({
  kind: "write-file",
  path: at(path),
  text,
  mode: 0o600,
});
const settle = (from: string, to: string): Step => ({ kind: "settle", from: at(from), to: at(to) });
const remove = (path: string): Step => ({ kind: "remove", path: at(path) });
/** A step that fails as long as the directory is missing. */
const blocked = () => write("missing/file");
const unblock = () => mkdirSync(at("missing"));
const journal = () => machinePaths(root, name).changeMarker;
const files = () =>
  readdirSync(root)
    .filter((entry) => entry !== "var")
    .sort();

function change(more: Partial<Change> = {}): Change {
  return {
    name,
    verb: "test",
    prepare: [write("staged")],
    undo: [remove("staged")],
    redo: [settle("staged", "done")],
    ...more,
  };
}

test("applyChange() prepares, carries out, and leaves no journal", async () => {
  expect(await applyChange(change(), tools)).toBe("done");
  expect(files()).toEqual(["done"]);
  expect(readdirSync(at("var/lib/man8machine_configs"))).toEqual([]);
});

test("applyChange() says on the disk how it is ended, before it begins and before it decides", async () => {
  const phases: string[] = [];
  const onStep = () => {
    if (existsSync(journal()))
      phases.push(JSON.parse(readFileSync(journal(), "utf8")).journal.phase);
  };
  await applyChange(change(), { ...tools, onStep });
  // While it stages, while it decides, and while it carries out.
  expect(phases).toEqual(["prepare", "prepare", "commit"]);
});

test("applyChange() clears what was prepared when that fails", async () => {
  const prepare = [write("staged"), blocked()];
  expect(applyChange(change({ prepare }), tools)).rejects.toThrow("ENOENT");
  await applyChange(change({ prepare }), tools).catch(() => {});
  expect(files()).toEqual([]);
  expect(existsSync(journal())).toBe(false);
});

test("applyChange() tells of the first failure, and leaves to the next run what it cannot clear", async () => {
  const undo = [write("missing/undo"), remove("staged")];
  await expect(
    applyChange(change({ prepare: [write("staged"), blocked()], undo }), tools),
  ).rejects.toThrow("missing/.file.mbctl-new");
  expect(warnings[0]).toStartWith("what was prepared is left for the next run to clear: ");
  expect(files()).toEqual(["staged"]);
  unblock();
  expect(await recoverChange(host, name, tools)).toBe("cleared");
  expect(files()).toEqual(["missing"]);
});

test("a change that was decided is ended by the next run", async () => {
  const redo = [settle("staged", "done"), blocked()];
  await expect(applyChange(change({ redo }), tools)).rejects.toThrow();
  expect(files()).toEqual(["done"]);
  await expect(recoverChange(host, name, tools)).rejects.toThrow();
  unblock();
  expect(await recoverChange(host, name, tools)).toBe("done");
  expect(files()).toEqual(["done", "missing"]);
  expect(await recoverChange(host, name, tools)).toBe("nothing");
});

test("files that a killed run was writing are cleared, too", async () => {
  await expect(
    applyChange(change({ prepare: [write("staged"), blocked()], undo: [blocked()] }), tools),
  ).rejects.toThrow();
  writeFileSync(at(".staged.mbctl-new"), "half");
  writeFileSync(at("var/lib/man8machine_configs/..mbctl-change.web.mbctl-new"), "half");
  unblock();
  await recoverChange(host, name, tools);
  expect(files().filter((entry) => entry !== "staged")).toEqual(["missing"]);
  expect(readdirSync(at("var/lib/man8machine_configs"))).toEqual([]);
});

describe("Ctrl-C", () => {
  /** Aborts when a step begins whose words hold this. */
  function stopAt(words: string): ApplyTools {
    const controller = new AbortController();
    const onStep = (text: string) => {
      if (text.includes(words)) controller.abort();
    };
    return { ...tools, signal: controller.signal, onStep };
  }

  test("counts until the change is decided", async () => {
    await expect(applyChange(change(), stopAt("staged"))).rejects.toThrow("Interrupted");
    expect(files()).toEqual([]);
  });

  test("comes too late afterwards", async () => {
    const redo = [settle("staged", "done"), write("more")];
    expect(await applyChange(change({ redo }), stopAt("to "))).toBe("done");
    expect(files()).toEqual(["done", "more"]);
  });

  test("does not end the commands of a change that is decided", async () => {
    const controller = new AbortController();
    const run = makeRun({ signal: controller.signal });
    const stopped: ApplyTools = { ...tools, host: { ...host, run }, signal: controller.signal };
    // cp(1) does it.
    mkdirSync(at("tree/volume"), { recursive: true });
    const copy: Step = {
      kind: "copy-volume",
      tree: at("tree"),
      path: "/volume",
      into: at("copied"),
    };
    const onStep = (text: string) => void (text.startsWith("copy ") && controller.abort());
    expect(await applyChange(change({ redo: [copy] }), { ...stopped, onStep })).toBe("done");
    expect(files()).toContain("copied");
  });
});

describe("a change that must leave a machine that is well", () => {
  /** The machine's program cannot start: an error of mbctl's own. */
  const broken = (): Step => ({ kind: "complete-tree", tree: root, directories: ["/file/x"] });
  const verify = () => ({ graceMs: 1, back: [settle("done", "back"), remove("missing")] });

  test("goes back when a step of it fails", async () => {
    writeFileSync(at("file"), "");
    const redo = [settle("staged", "done"), broken()];
    expect(await applyChange(change({ redo, verify: verify() }), tools)).toBe("taken back");
    expect(files()).toEqual(["back", "file"]);
    expect(warnings).toEqual(['"web" does not start: going back to what was before']);
    expect(existsSync(journal())).toBe(false);
  });

  test("goes back with the next run, when the way back is blocked", async () => {
    writeFileSync(at("file"), "");
    const redo = [broken()];
    const back = [settle("staged", "back"), blocked()];
    await expect(
      applyChange(change({ redo, verify: { graceMs: 1, back } }), tools),
    ).rejects.toThrow();
    unblock();
    expect(await recoverChange(host, name, tools)).toBe("done");
    expect(files()).toEqual(["back", "file", "missing"]);
  });

  /** A run that was killed while it waited for the machine, which has ended since. */
  async function recoverVerify(ageMs: number, isEdited: boolean): Promise<string> {
    writeFileSync(at("done"), "");
    const steps = { phase: "verify", verb: "upgrade", verify: verify() };
    writeFileSync(journal(), JSON.stringify({ version: 1, journal: steps }));
    const then = (Date.now() - ageMs) / 1000;
    utimesSync(journal(), then, then);
    const { nspawn } = machinePaths(root, name);
    mkdirSync(dirname(nspawn), { recursive: true });
    writeFileSync(nspawn, "");
    utimesSync(nspawn, then, isEdited ? then + 1 : then - 1);
    const stdout = "Id=systemd-nspawn@web.service\nActiveState=inactive\n";
    const run = async () => ({ stdout, stderr: "", exitCode: 0 });
    return await recoverChange({ ...host, run }, name, { ...tools, host: { ...host, run } });
  }

  test("goes back with the next run, when it was killed meanwhile", async () => {
    expect(await recoverVerify(1000, false)).toBe("taken back");
    expect(files()).toEqual(["back"]);
  });

  test("keeps what was edited meanwhile when it goes back, and says where", async () => {
    const { nspawn, envFile, unitDropInFolder, configuration } = machinePaths(root, name);
    const [own, derived] = ["90-mine.conf", "65-mbctl-health.conf"].map((file) =>
      join(unitDropInFolder, file),
    ) as [string, string];
    for (const path of [nspawn, envFile, own, derived]) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "rendered");
    }
    const stdout = "Id=systemd-nspawn@web.service\nActiveState=inactive\n";
    // Asked while the machine is to become well.
    const run = async () => {
      const later = Date.now() / 1000 + 5;
      for (const path of [nspawn, own, derived]) {
        writeFileSync(path, "m\xefne", "latin1");
        utimesSync(path, later, later);
      }
      return { stdout, stderr: "", exitCode: 0 };
    };
    const going = { ...tools, host: { ...host, run } };
    expect(await applyChange(change({ verify: verify() }), going)).toBe("taken back");
    expect(files()).toEqual(["back", "etc"]);
    const kept = readdirSync(configuration).filter((file) => file.endsWith(".mbctl-saved"));
    expect(kept.sort()).toEqual(["90-mine.conf.mbctl-saved", "container.nspawn.mbctl-saved"]);
    for (const file of kept) {
      expect(readFileSync(join(configuration, file), "latin1")).toBe("m\xefne");
      expect(statSync(join(configuration, file)).mode & 0o777).toBe(0o600);
    }
    expect(warnings).toEqual([
      '"web" is not well (exited): going back to what was before',
      `"web": ${nspawn} was edited meanwhile: that is kept as ${nspawn}.mbctl-saved`,
      `"web": ${own} was edited meanwhile: that is kept as ${join(configuration, "90-mine.conf.mbctl-saved")}`,
    ]);
  });

  test.each([
    ["edited", 5000, true],
    ["used for long", 3_600_000, false],
  ])("of a killed run stays as it is when it was %s since", async (_, ageMs, isEdited) => {
    expect(await recoverVerify(ageMs, isEdited)).toBe("done");
    expect([files(), existsSync(journal())]).toEqual([["done"], false]);
    expect(warnings).toEqual([expect.stringContaining("mbctl machines rollback web goes back")]);
  });
});
