import { describe, expect, test } from "bun:test";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import {
  renameInEnvFile,
  renameInMachineToml,
  renameInOther,
  renameInUnit,
  renameUnits,
} from "../../lib/transfer/rename_texts.ts";
import { filesOf, specOf } from "./_machine.ts";

const renaming = { from: parseMachineName("web"), to: parseMachineName("www.a-1") };

test("renaming what was rendered gives what would be rendered", () => {
  const before = filesOf(specOf("web"));
  const after = filesOf(specOf("www.a-1"));
  expect({
    machineToml: renameInMachineToml(before.machineToml, "machine.toml", renaming),
    nspawn: renameInUnit(before.nspawn, renaming),
    envFile: renameInEnvFile(before.envFile, renaming),
    unitDropIn: renameInUnit(before.unitDropIn, renaming),
  }).toEqual(after);
});

test("so it does for a machine that another one waits for", () => {
  const before = filesOf(specOf("api", { depends: [renaming.from] }));
  const after = filesOf(specOf("api", { depends: [renaming.to] }));
  expect(renameUnits(before.unitDropIn, renaming)).toBe(after.unitDropIn);
  expect(renameInOther(before.machineToml, "machine.toml", renaming, "hosta")).toBe(
    after.machineToml,
  );
});

test("so it does for a machine that calls commands of another, and for that one", () => {
  const calling = (client: string, server: string) =>
    filesOf(specOf(client, { connectors: [parseMachineName(server)] }));
  expect(renameInUnit(calling("web", "db").nspawn, renaming)).toBe(calling("www.a-1", "db").nspawn);
  expect(renameInOther(calling("api", "web").machineToml, "a.toml", renaming, "hosta")).toBe(
    calling("api", "www.a-1").machineToml,
  );
});

describe("renameInUnit()", () => {
  test.each([
    [
      "Bind=/var/lib/man8machine_storage/web/x:/x",
      "Bind=/var/lib/man8machine_storage/www.a-1/x:/x",
    ],
    ["Bind=/var/lib/man8machine_configs/web", "Bind=/var/lib/man8machine_configs/www.a-1"],
    ["Bind=/var/lib/man8machine_configs/web.", "Bind=/var/lib/man8machine_configs/www.a-1."],
    ["# /var/lib/man8machines/web:", "# /var/lib/man8machines/www.a-1:"],
    ["After=systemd-nspawn@web.service", "After=systemd-nspawn@www.a-1.service"],
    ["Wants=mbctl-publish_web_8080.socket", "Wants=mbctl-publish_www.a-1_8080.socket"],
    [
      "After=mbctl-healthy_web.service mbctl-healthy_db.service",
      "After=mbctl-healthy_www.a-1.service mbctl-healthy_db.service",
    ],
    // Others, and words that only look alike.
    ["Wants=mbctl-healthy_web.b.service mbctl-health_web-2.timer my_web_8080", undefined],
    ["Bind=/var/lib/man8machine_storage/web-2/x:/x", undefined],
    ["Bind=/var/lib/man8machine_storage/web.b/x:/x", undefined],
    ["Bind=/srv/web:/web", undefined],
    ["After=systemd-nspawn@web2.service systemd-nspawn@my-web.service", undefined],
  ])("of %p makes %p", (before, after) => {
    expect(renameInUnit(before, renaming)).toBe(after ?? before);
  });
});

describe("renameInEnvFile()", () => {
  test("keeps an address that somebody has chosen, and what only looks like a name", () => {
    const text =
      "# web\nMAN8S_CONTAINER_NAME=web2\nNAME=web\nMAN8S_YGGDRASIL_ADDRESS=300::77\nMAN8S_ULA_ADDRESS=\n";
    expect(renameInEnvFile(text, renaming)).toBe(text);
  });
});

describe("renameInMachineToml()", () => {
  test("keeps comments and order", () => {
    expect(
      renameInMachineToml(
        '# mine\nschema = 1\nname = "web" # the page\n[env]\nname = "web"\n',
        "machine.toml",
        renaming,
      ),
    ).toBe('# mine\nschema = 1\nname = "www.a-1" # the page\n[env]\nname = "web"\n');
  });

  test("refuses what it cannot edit", () => {
    expect(() => renameInMachineToml('name = """\nweb"""\n', "machine.toml", renaming)).toThrow(
      'Cannot set name in "machine.toml": it is written in a way that mbctl does not edit',
    );
  });
});

describe("renameInOther()", () => {
  test.each([
    ['depends = ["web"]', 'depends = ["www.a-1"]'],
    [
      'depends = [\n  "db", # first\n  \'web\',\n]\nallow = ["web@hosta:80/tcp", "web@hostb", "web"]\n[env]\nA = "web"\n',
      'depends = [\n  "db", # first\n  \'www.a-1\',\n]\nallow = ["www.a-1@hosta:80/tcp", "web@hostb", "web"]\n[env]\nA = "web"\n',
    ],
    ['depends = ["web2"]\n', 'depends = ["web2"]\n'],
  ])("of %p makes %p", (before, after) => {
    expect(renameInOther(before, "machine.toml", renaming, "hosta")).toBe(after);
  });

  test("refuses what it cannot edit", () => {
    expect(() =>
      renameInOther('depends = ["""\nweb"""]\n', "machine.toml", renaming, "hosta"),
    ).toThrow('Cannot rename "web" in "machine.toml"');
  });
});
