import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { explainSources, missingSources, requireSources } from "../../lib/machine/bound_sources.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { formatMachineToml } from "../../lib/spec/machine_toml.ts";
import { machineOf } from "../firewall/_states.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-bound-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const web = parseMachineName("web");
const db = parseMachineName("db");

function put(path: string, text = ""): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Two machines: one with binds that an administrator could have written, one with devices. */
function furnish(): void {
  put(
    machinePaths(root, web).nspawn,
    `[Files]
Bind=/srv/a b\\:c:/data:idmap
BindReadOnly=/srv/same
Bind=+/in/the/tree:/x
Bind=/run/mbctl/devices/web/0:/dev/fuse
Bind=:/empty
`,
  );
  const { spec } = machineOf("db", {});
  const devices = [
    parseDevice("/dev/mbctl-gone:/dev/x"),
    parseDevice("char-ttyUSB"),
    { ...parseDevice("/dev/mbctl-other"), ifAbsent: "skip" as const },
  ];
  put(machinePaths(root, db).applied.machineToml, formatMachineToml({ ...spec, devices }));
}

function failure(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    if (error instanceof MbctlError) return [error.kind, error.message, error.hint];
    throw error;
  }
  return undefined;
}

describe("missingSources()", () => {
  test("names what the nspawn file binds of the host, and devices that may not be left out", () => {
    furnish();
    expect(missingSources(root, web)).toEqual([
      { machine: web, kind: "file", path: "/srv/a b:c", target: "/data" },
      { machine: web, kind: "file", path: "/srv/same", target: "/srv/same" },
    ]);
    expect(missingSources(root, db)).toEqual([
      { machine: db, kind: "device", path: "/dev/mbctl-gone", target: "/dev/x" },
    ]);
    mkdirSync(join(root, "srv/a b:c"), { recursive: true });
    put(join(root, "srv/same"));
    expect(missingSources(root, web)).toEqual([]);
  });
});

describe("requireSources()", () => {
  test("says all that is missing of all machines, and what to do", () => {
    furnish();
    expect(failure(() => requireSources(root, "start", [web, db]))).toEqual([
      "host",
      'Cannot start "web", "db": "/srv/a b:c" (at /data in "web"), "/srv/same" (at /srv/same in "web"), "/dev/mbctl-gone" (at /dev/x in "db") are not there',
      'make it, or take it out; plug the device in, or write if_absent = "skip": mbctl machines edit web, mbctl machines edit db',
    ]);
    mkdirSync(join(root, "srv/a b:c"), { recursive: true });
    expect(failure(() => requireSources(root, "restart", [web]))).toEqual([
      "host",
      'Cannot restart "web": "/srv/same" (at /srv/same in "web") is not there',
      "make it, or take it out: mbctl machines edit web",
    ]);
    put(join(root, "srv/same"));
    expect(failure(() => requireSources(root, "start", [web]))).toBeUndefined();
  });

  test("leaves a machine to systemd whose unit somebody else has added to; explainSources() does not", () => {
    furnish();
    const folder = machinePaths(root, web).unitDropInFolder;
    for (const name of ["50-mbctl.conf", "65-mbctl-health.conf"]) put(join(folder, name));
    expect(failure(() => requireSources(root, "start", [web]))).toBeDefined();
    put(join(folder, "90-mine.conf"));
    expect(failure(() => requireSources(root, "start", [web]))).toBeUndefined();
    expect(failure(() => explainSources(root, "start", [web]))).toBeDefined();
    rmSync(join(folder, "90-mine.conf"));
    put(join(dirname(folder), "systemd-nspawn@.service.d/all.conf"));
    expect(failure(() => requireSources(root, "start", [web]))).toBeUndefined();
  });
});
