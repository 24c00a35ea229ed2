import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openHost } from "../../lib/host/host.ts";
import { noteBoot, planBoot, rememberStops } from "../../lib/steps/plan_boot.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices } from "../../lib/spec/machine_spec.ts";
import { formatMachineToml, parseMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseRestartPolicy } from "../../lib/spec/restart_policy.ts";

const root = mkdtempSync(join(tmpdir(), "boot-"));
afterAll(() => rmSync(root, { recursive: true }));
const host = { ...openHost({ root: "/", log: { command: () => undefined } }), root };
const [web, db] = [parseMachineName("web"), parseMachineName("db")];
const paths = machinePaths(root, web);
const unit = "systemd-nspawn@web.service";

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A machine that was applied, enabled or not, and stopped by hand or not. */
function machine(restart: string, { isEnabled = false, isStopped = false } = {}): void {
  const spec = {
    ...defaultChoices,
    ...{ name: web, environment: [], volumes: [], restart: parseRestartPolicy(restart) },
    image: { reference: "x:1", digest: "sha256:0", manifestDigest: "sha256:1" },
  };
  put(paths.applied.machineToml, formatMachineToml(spec));
  if (isStopped) put(paths.stoppedMarker, "");
  if (isEnabled) {
    mkdirSync(dirname(paths.bootLink), { recursive: true });
    symlinkSync("/unit", paths.bootLink);
  }
}

beforeEach(() => {
  for (const name of ["etc", "var"]) rmSync(join(root, name), { recursive: true, force: true });
});

const none = { before: [], after: [] };
const forget = { kind: "remove", path: paths.stoppedMarker } as const;

test("a stop takes the boot entry of an unless-stopped machine, and leaves a marker first", () => {
  machine("unless-stopped", { isEnabled: true });
  expect(rememberStops(root, "stop", [web, db])).toEqual({
    before: [
      {
        kind: "write-file",
        path: paths.stoppedMarker,
        text: expect.any(String),
        mode: 0o644,
      },
      { kind: "unit", action: "disable", units: [unit] },
    ],
    after: [],
  });
});

test.each([
  ["always", { isEnabled: true }],
  ["no", { isEnabled: true }],
  // One that does not start at boot needs no memory.
  ["unless-stopped", { isEnabled: false }],
])("a stop changes nothing of a machine with restart = %j, %j", (restart, state) => {
  machine(restart, state);
  expect(rememberStops(root, "stop", [web])).toEqual(none);
});

test("a stop works where nothing can be read of the machine", () => {
  machine("always", { isEnabled: true });
  put(paths.applied.machineToml, "= broken");
  expect(rememberStops(root, "stop", [web])).toEqual(none);
});

test.each(["start", "restart"])("a %s gives the boot entry back, and then forgets", (action) => {
  machine("unless-stopped", { isStopped: true });
  expect(rememberStops(root, action, [web, db])).toEqual({
    before: [{ kind: "unit", action: "enable", units: ["machines.target", unit] }, forget],
    after: [],
  });
  rmSync(paths.stoppedMarker);
  expect(rememberStops(root, action, [web])).toEqual(none);
});

test.each(["enable", "disable"])("%s by hand counts more than what was remembered", (action) => {
  machine("unless-stopped", { isStopped: true });
  expect(rememberStops(root, action, [web])).toEqual({ before: [], after: [forget] });
});

const enable = { kind: "unit", action: "enable", units: ["machines.target", unit] } as const;
const disable = { kind: "unit", action: "disable", units: [unit] } as const;
test.each([
  [undefined, { isEnabled: true }, []],
  [undefined, {}, []],
  [true, { isEnabled: true }, []],
  [true, {}, [enable]],
  [true, { isStopped: true }, []],
  [false, {}, []],
  [false, { isEnabled: true }, [disable]],
  [false, { isStopped: true }, [forget]],
])("boot = %j of a machine that is %j", (boot, state, steps) => {
  machine("unless-stopped", state);
  expect(planBoot(host, web, boot)).toEqual([...steps]);
  // Below --root no systemd runs.
  expect(planBoot({ ...host, isLive: false }, web, boot)).toEqual([]);
});

test("noteBoot() writes the choice into machine.toml and what was applied, and keeps their comments", () => {
  machine("no");
  put(paths.machineToml, `# ours\n${readFileSync(paths.applied.machineToml, "utf8")}`);
  const written = noteBoot(root, [web, db], true);
  expect(written.map((step) => (step.kind === "write-file" ? step.path : ""))).toEqual([
    paths.machineToml,
    paths.applied.machineToml,
  ]);
  for (const step of written) if (step.kind === "write-file") put(step.path, step.text);
  const text = readFileSync(paths.machineToml, "utf8");
  expect(text).toStartWith("# ours\n");
  expect(parseMachineToml(text, "machine.toml").boot).toBe(true);
  expect(noteBoot(root, [web], true)).toEqual([]);
  put(paths.machineToml, "broken");
  expect(noteBoot(root, [web], false)).toHaveLength(1);
});
