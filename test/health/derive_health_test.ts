import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deriveHealth, previewHealth } from "../../lib/health/derive_health.ts";
import { type Host, openHost } from "../../lib/host/host.ts";
import { machinePaths } from "../../lib/paths.ts";
import type { HostState } from "../../lib/network/host_state.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import type { MachineSpec } from "../../lib/spec/machine_spec.ts";
import { machineOf, stateOf } from "../firewall/_states.ts";

/** As Docker stores it. */
const imageOf = (config: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ architecture: "amd64", os: "linux", config });
const asks = {
  Healthcheck: { Test: ["CMD-SHELL", "kong health"], Interval: 10e9, StartInterval: 2e9 },
  Shell: ["/bin/bash", "-c"],
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-derive-health-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A host with these machines; with an image where it has a configuration. */
function stateWith(
  machines: Readonly<Record<string, Partial<MachineSpec>>>,
  images: Readonly<Record<string, string>> = {},
): HostState {
  for (const [name, image] of Object.entries(images)) {
    write(machinePaths(root, parseMachineName(name)).applied.image, image);
  }
  const found = Object.entries(machines).map(([name, rest]) => {
    const { spec, template } = machineOf(name);
    return { spec: { ...spec, ...rest }, template };
  });
  return { ...stateOf({}, []), machines: found };
}

const host = () => openHost({ root, log: { command: () => {} } });
const derive = async (state: HostState) => await deriveHealth(host(), state);
const at = (path: string) => join(root, path);
const read = (path: string) => readFileSync(at(path), "utf8");

/** Every file but images, by name, with what tells a rewrite. */
function files(): Record<string, number> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name !== "image.json")
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths.sort().map((path) => [path.slice(root.length), statSync(path).ino]),
  );
}

describe("deriveHealth()", () => {
  test("the image's check, in the image's shell and the machine's folder; a second time it writes nothing", async () => {
    const state = stateWith({ web: {} }, { web: imageOf(asks) });
    write(machinePaths(root, parseMachineName("web")).nspawn, "[Exec]\nWorkingDirectory=/srv\n");
    await derive(state);
    expect(read("/var/lib/mbctl/health/web.sh")).toStartWith("set -- /bin/bash -c 'kong health'\n");
    const settings = read("/var/lib/mbctl/health/web.conf");
    expect(settings).toContain("directory=/srv\nprocess=2\n");
    expect(settings).toContain("longest=200\n");
    expect(statSync(at("/var/lib/mbctl/health")).mode & 0o777).toBe(0o700);
    const before = files();
    expect(previewHealth(host(), state)).toEqual([]);
    await derive(state);
    expect(files()).toEqual(before);
  });

  test("the user's probe in place of the image's has the plain shell; what is left out is the image's", async () => {
    const health = { probe: { kind: "shell", line: "true" } } as const;
    await derive(stateWith({ web: { health } }, { web: imageOf(asks) }));
    expect(read("/var/lib/mbctl/health/web.sh")).toStartWith("set -- /bin/sh -c true\n");
    expect(read("/etc/systemd/system/mbctl-health_web.timer")).toContain(
      "OnUnitInactiveSec=10000ms\n",
    );
  });

  test.each([
    ["the user turns it off", { health: "none" }, imageOf(asks)],
    ["the image turns it off", {}, imageOf({ Healthcheck: { Test: ["NONE"] } })],
    ["the image has none", {}, imageOf({})],
    ["what is kept of the image is damaged", {}, "{"],
  ] as const)("nothing where %s", async (_, rest, image) => {
    await derive(stateWith({ web: rest }, { web: image }));
    expect(Object.keys(files())).toEqual([]);
  });

  test("what nobody wants any more is removed, with what was found, and nothing of others", async () => {
    const images = { web: imageOf(asks), db: imageOf(asks) };
    await derive(stateWith({ web: {}, db: {} }, images));
    const ours = ["web.state", "web.output", "web.app", "web.probe"];
    for (const name of [...ours, "db.state"]) write(at(`/run/mbctl/health/${name}`), "");
    write(at("/etc/systemd/system/mbctl-relay6_web.service"), "");
    write(at("/etc/systemd/system/systemd-nspawn@web.service.d/local.conf"), "");
    const preview = previewHealth(host(), stateWith({ db: {} }, images));
    expect(preview).toContain(`remove ${at("/etc/systemd/system/mbctl-health_web.timer")}`);
    await derive(stateWith({ db: {} }, images));
    expect(Object.keys(files()).filter((path) => path.includes("web"))).toEqual([
      "/etc/systemd/system/mbctl-relay6_web.service",
      "/etc/systemd/system/systemd-nspawn@web.service.d/local.conf",
    ]);
    expect(files()).toHaveProperty(["/run/mbctl/health/db.state"]);
    await derive(stateWith({}));
    expect(Object.keys(files()).filter((path) => path.includes("health"))).toEqual([]);
  });

  test("a run that ended before systemd knew is ended by the next one", async () => {
    const state = stateWith({ web: {} }, { web: imageOf(asks) });
    const calls: string[] = [];
    const live = (isBroken: boolean): Host => ({
      ...host(),
      isLive: true,
      run: async ([program, action, ...rest]) => {
        calls.push([program, action, ...rest.filter((word) => /^mbctl-/.test(word))].join(" "));
        if (isBroken && action === "daemon-reload") throw new Error("killed");
        const stdout = "Id=systemd-nspawn@web.service\nActiveState=active\nMainPID=1\n";
        return { stdout, stderr: "", exitCode: 0 };
      },
    });
    await expect(deriveHealth(live(true), state)).rejects.toThrow("killed");
    calls.length = 0;
    await deriveHealth(live(false), state);
    const units = "mbctl-health_web.service mbctl-health_web.timer";
    expect(calls.filter((call) => !call.includes("show"))).toEqual([
      "systemctl daemon-reload",
      `systemctl stop ${units}`,
      `systemctl reset-failed ${units}`,
      `systemctl start ${units}`,
    ]);
    calls.length = 0;
    await deriveHealth(live(false), state);
    expect(calls).toEqual([]);
  });
});
