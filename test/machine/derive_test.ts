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
import type { MbctlError } from "../../lib/errors.ts";
import { firewallFiles, firewallPaths } from "../../lib/firewall/firewall_files.ts";
import { type Host, openHost } from "../../lib/host/host.ts";
import {
  deriveHost,
  deriveHostIfPossible,
  previewDerived,
  readHostState,
} from "../../lib/machine/derive.ts";
import { formatMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths } from "../../lib/paths.ts";
import { findOldUnits } from "../../lib/machine/renew_units.ts";
import { renderUnitDropIn } from "../../lib/nspawn/machine_unit.ts";
import { parseSignal } from "../../lib/signal.ts";
import { machineOf, type MachineWords } from "../firewall/_states.ts";

const config = `prefix = "300:2e98:a4b0:1789::/64"
[hosts]
here = "300:2e98:a4b0:1789::/64"
hostb = "300:aaaa:bbbb:cccc::/64"
`;
const toFirewall = "/var/lib/mbctl/firewall.nft";
const fail = (problem: MbctlError) => {
  throw problem;
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-derive-"));
  write("/etc/mbctl/config.toml", config);
  write("/etc/hosts", "127.0.0.1 localhost\n");
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function addMachine(name: string, words: MachineWords = {}): string {
  const path = machinePaths("/", parseMachineName(name)).machineToml;
  const { spec } = machineOf(name, words);
  write(path, formatMachineToml({ ...spec, template: "network_isolated" }));
  return path;
}

/** Opens it anew: settings are read once. */
function host(): Host {
  return openHost({ root, log: { command: () => {} } });
}

/** Every file below the root but the lock, with its text. */
function files(): Record<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".lock"))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
  return Object.fromEntries(names.sort().map((name) => [name, read(name)]));
}

describe("deriveHost()", () => {
  test("writes firewall and names of all machines, and nothing the second time", async () => {
    addMachine("web");
    addMachine("db", { allow: ["web@hostb"] });
    expect((await previewDerived(host(), fail)).sort()).toEqual(
      [
        "/etc/hosts",
        ...firewallPaths.filter((path) =>
          /(nft|systemd\/system\/mbctl-firewall.service|conf)$/.test(path),
        ),
      ]
        .map((path) => `write ${root}${path}`)
        .sort(),
    );
    await deriveHost(host(), fail);
    const [script] = firewallFiles(await readHostState(host()));
    expect(read(toFirewall)).toBe(script.text);
    expect(script.text).toContain("# allow web@hostb\n");
    expect(statSync(join(root, toFirewall)).mode & 0o777).toBe(0o600);
    expect(read("/etc/hosts")).toMatch(/^127\.0\.0\.1 localhost\n[\s\S]*\bweb\b/);
    for (const path of firewallPaths)
      expect(readdirSync(join(root, dirname(path)))).not.toEqual([]);
    expect(await previewDerived(host(), fail)).toEqual([]);
    const before = files();
    await deriveHost(host(), fail);
    expect(files()).toEqual(before);
  });

  test("leaves a machine out that is broken, and tells of it; who refuses keeps all as it was", async () => {
    addMachine("web");
    const broken = addMachine("broken");
    await deriveHost(host(), fail);
    const before = files();
    write(broken, "name = 1\n");
    await expect(deriveHost(host(), fail)).rejects.toThrow(`Cannot read "${join(root, broken)}"`);
    await expect(previewDerived(host(), fail)).rejects.toThrow("Cannot read");
    expect({ ...files(), [broken]: "" }).toEqual({ ...before, [broken]: "" });

    const problems: string[] = [];
    await deriveHost(host(), ({ message }) => problems.push(message));
    expect(problems).toEqual([expect.stringContaining("broken/machine.toml")]);
    expect(read(toFirewall)).toContain("to_web");
    expect(read(toFirewall)).not.toContain("to_broken");
  });

  test("gives the units of machines of an older mbctl their firewall, edited ones aside", async () => {
    const settings = { stopSignal: parseSignal("SIGQUIT"), stopTimeoutSec: 10, bridge: "srvgrp0" };
    const old = renderUnitDropIn(settings);
    const dropIn = (name: string) => machinePaths("/", parseMachineName(name)).unitDropIn;
    for (const name of ["web", "edited"]) addMachine(name);
    write(dropIn("web"), old);
    write(dropIn("edited"), `${old}Nice=1\n`);
    expect(await previewDerived(host(), fail)).toContain(`write ${join(root, dropIn("web"))}`);
    await deriveHost(host(), fail);
    expect(read(dropIn("web"))).toBe(
      renderUnitDropIn({ ...settings, firewall: "/var/lib/mbctl/firewall.nft" }),
    );
    expect(read(dropIn("edited"))).toBe(`${old}Nice=1\n`);
    expect(findOldUnits(root, await readHostState(host()))).toEqual([]);
  });

  test("takes a host that is not known for nobody, unless that is refused", async () => {
    addMachine("web", { allow: ["hostd", "here"] });
    await expect(deriveHost(host(), fail)).rejects.toThrow(
      'Cannot allow "hostd" for the machine "web": config.toml has no host "hostd"',
    );
    expect(files()[toFirewall]).toBeUndefined();
    await deriveHost(host());
    expect(read(toFirewall)).toContain('# allow hostd: nobody, config.toml has no host "hostd"');
    expect(read(toFirewall)).toContain("# allow here: this host, whose machines come in anyway");
  });
});

test("deriveHostIfPossible() warns where the host's prefix is not known, and changes nothing", async () => {
  addMachine("web");
  await deriveHost(host());
  const before = files();
  addMachine("db");
  write("/etc/mbctl/config.toml", "");
  const warnings: string[] = [];
  await deriveHostIfPossible(host(), (text) => warnings.push(text));
  expect(warnings).toEqual([expect.stringMatching(/until mbctl host reload: .*yggdrasil prefix/)]);
  expect(files()[toFirewall]).toBe(before[toFirewall]);
});
