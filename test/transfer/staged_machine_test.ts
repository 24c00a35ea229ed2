/** Configuration folders of somebody else's archive: what is refused, and what is asked about. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import type { MachineSpec } from "../../lib/spec/machine_spec.ts";
import { checkVolumeFolders } from "../../lib/transfer/check_configuration.ts";
import { ArchiveReader } from "../../lib/transfer/read_archive.ts";
import {
  askedByStaged,
  readStaged,
  setPublished,
  settleConfiguration,
} from "../../lib/transfer/staged_machine.ts";
import type { TarEntry } from "../lab/images/tar.ts";
import { archiveOf, configurationEntries, inPieces, newFolder } from "./_archive.ts";
import { facts, filesOf, specOf } from "./_machine.ts";

const spawn = makeSpawn();
const [web, www] = [parseMachineName("web"), parseMachineName("www")];

describe.skipIf(process.getuid?.() !== 0)("a configuration that was unpacked", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "mbctl-staged-"));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  async function unpack(entries: readonly TarEntry[]): Promise<string> {
    const reader = new ArchiveReader(inPieces(archiveOf({ configuration: entries })), "web.tar");
    const [part] = (await reader.manifest()).parts;
    if (part === undefined) throw new Error("There is no part");
    const folder = newFolder(dir);
    await reader.unpack(part, folder, { spawn });
    return folder;
  }

  /** What a machine of these entries would get of the host. */
  async function asked(
    changes: readonly TarEntry[],
    choices: Partial<MachineSpec> = {},
    connection = facts.connection,
  ): Promise<readonly string[]> {
    const folder = await unpack(
      configurationEntries(
        changes,
        specOf("web", { volumes: [], secrets: [], devices: [], ...choices }),
      ),
    );
    settleConfiguration(folder, web, web);
    return askedByStaged(folder, readStaged(folder, web), { ...facts, connection });
  }

  const file = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({
    ...{ path, content: "x" },
    ...more,
  });
  const link = (path: string, linkTarget: string): TarEntry => ({
    ...{ path, linkTarget },
    type: "symlink",
  });

  test.each<[string, TarEntry[], string]>([
    [
      "machine.toml is a link",
      [link("./machine.toml", "/etc/passwd")],
      '"machine.toml": it is no file',
    ],
    ...["apps", "host0.network"].map((name): [string, TarEntry[], string] => [
      `${name} is a link`,
      [link(`./${name}`, "/etc")],
      `"${name}": it is a link, and is bound into the machine`,
    ]),
    [
      "container.nspawn is a link",
      [link("./container.nspawn", "x")],
      '"container.nspawn": it is no',
    ],
    [
      "the env file is a pipe",
      [{ path: "./man8env.env", type: "fifo" }],
      '"man8env.env": it is no',
    ],
    [
      "machine.toml has a second name in a volume",
      [{ path: "./conf/toml", type: "hardlink", linkTarget: "./machine.toml" }],
      '"machine.toml": it has a second name',
    ],
    [
      "machine.toml is a user's",
      [file("./machine.toml", { uid: 1000 })],
      '"machine.toml": it is no file',
    ],
    ["its hidden folder is a link", [link("./.mbctl", "/etc")], '".mbctl": it is'],
    [
      "its hidden folder holds more",
      [file("./.mbctl/secrets/token.cred")],
      '".mbctl/secrets": no mbctl',
    ],
    [
      "a drop-in is a link",
      [link("./.mbctl/unit.d/x.conf", "/etc/passwd")],
      '".mbctl/unit.d/x.conf": it is',
    ],
  ])("is refused where %s", async (_, changes, state) => {
    const kept = configurationEntries(changes).filter(
      ({ path }) => !(changes[0]?.path === "./.mbctl" && path.startsWith("./.mbctl/")),
    );
    const folder = await unpack(kept);
    expect(() => settleConfiguration(folder, web, web)).toThrow(
      `Cannot import the configuration: ${state}`,
    );
  });

  test("is refused where a file is missing", async () => {
    const folder = await unpack(
      configurationEntries().filter(({ path }) => path !== "./.mbctl/image.json"),
    );
    expect(() => settleConfiguration(folder, web, web)).toThrow(
      '".mbctl/image.json": it is missing',
    );
  });

  test("is refused where it is that of another machine", async () => {
    const folder = await unpack(configurationEntries([], specOf("other")));
    expect(() => settleConfiguration(folder, web, web)).toThrow(
      'Cannot import "web": its machine.toml is that of "other"',
    );
  });

  test("is refused where a volume leads out", async () => {
    const folder = await unpack([
      ...configurationEntries().filter(({ path }) => !path.startsWith("./conf")),
      link("./conf", "/etc"),
    ]);
    settleConfiguration(folder, web, web);
    expect(() => readStaged(folder, web)).toThrow(
      '"conf": a volume is neither a link nor a device',
    );
    const { machineToml } = filesOf(specOf("web"));
    const climbing = machineToml.replace('path = "/conf"', 'path = "/../other"');
    const other = await unpack(
      configurationEntries([file("./machine.toml", { content: climbing })]),
    );
    expect(() => settleConfiguration(other, web, web)).toThrow(/path without ".."/);
  });

  test("is refused where data leads out", async () => {
    const folder = await unpack([{ path: "./a/", type: "dir" }, link("./a/b", "/etc")]);
    expect(() => checkVolumeFolders(folder, "data", [{ path: "/a/b/c", kind: "data" }])).toThrow(
      '"a/b": a volume is neither a link nor a device',
    );
  });

  test("gets the modes that it has to have, and its new name", async () => {
    const folder = await unpack(
      configurationEntries([
        file("./man8env.env", { mode: 0o4777, content: filesOf(specOf("web")).envFile }),
        { path: "./", type: "dir", mode: 0o777 },
        file("./.mbctl/unit.d/65-mbctl-health.conf"),
      ]),
    );
    settleConfiguration(folder, web, www);
    expect(statSync(folder).mode & 0o7777).toBe(0o700);
    expect(statSync(join(folder, "man8env.env")).mode & 0o7777).toBe(0o600);
    expect(existsSync(join(folder, ".mbctl/unit.d/65-mbctl-health.conf"))).toBe(false);
    const wanted = filesOf(specOf("www"));
    for (const [name, text] of Object.entries({
      "machine.toml": wanted.machineToml,
      "container.nspawn": wanted.nspawn,
      "man8env.env": wanted.envFile,
      ".mbctl/unit.d/50-mbctl.conf": wanted.unitDropIn,
    })) {
      expect(readFileSync(join(folder, name), "utf8")).toBe(text);
    }
  });

  test("gets other ports of the host, and keeps every other line of its machine.toml", async () => {
    const { machineToml } = filesOf(specOf("web", { publish: [parsePublishedPort("8080:80")] }));
    const content = `# mine\n${machineToml}`;
    const folder = await unpack(configurationEntries([file("./machine.toml", { content })]));
    setPublished(folder, [parsePublishedPort("8081:80")]);
    expect(readFileSync(join(folder, "machine.toml"), "utf8")).toBe(
      content.replace(/^publish = .*$/m, 'publish = ["8081:80"]'),
    );
    expect(readStaged(folder, web).spec.publish).toEqual([parsePublishedPort("8081:80")]);
    const broken = content.replace(/^publish = .*$/m, 'publish."a" = 1');
    writeFileSync(join(folder, "machine.toml"), broken);
    expect(() => setPublished(folder, [])).toThrow('Cannot set publish in "machine.toml"');
  });

  test("asks for nothing when it is as mbctl made it", async () => {
    expect(await asked([])).toEqual([]);
  });

  test("asks for what machine.toml wants of the host", async () => {
    expect(
      await asked(
        [],
        {
          volumes: [{ path: "/srv", kind: "host", source: "/srv/web", isReadOnly: true }],
          devices: [parseDevice("/dev/fuse")],
          capabilities: { add: ["SYS_ADMIN"], drop: [] },
          allow: [{ from: { kind: "mesh" } }],
        },
        { kind: "host" },
      ),
    ).toEqual([
      "the host's folder /srv/web at /srv, to read",
      "the host's device /dev/fuse",
      "the capability CAP_SYS_ADMIN",
      "the host's own network, with all its ports",
      "everybody on the mesh may connect to it",
    ]);
  });

  test("asks for what its edits want, whatever it says was rendered", async () => {
    const spec = specOf("web", { volumes: [], secrets: [], devices: [] });
    const { nspawn, unitDropIn } = filesOf(spec);
    const evil = `${nspawn}\n[Files]\nBind=/:/host\n[Exec]\nEnvironment=A=b\nCapability=all\n`;
    const run = `${unitDropIn}\n[Service]\nExecStartPre=/bin/sh -c id\n`;
    const edits = [
      file("./container.nspawn", { content: evil }),
      file("./.mbctl/unit.d/50-mbctl.conf", { content: run }),
      file("./.mbctl/unit.d/90-mine.conf", { content: "[Service]\nUser=root\n" }),
    ];
    const lines = [
      "container.nspawn: [Files] Bind=/:/host",
      "container.nspawn: [Exec] Capability=all",
      "50-mbctl.conf: [Service] ExecStartPre=/bin/sh -c id",
    ];
    const own = "90-mine.conf: [Service] User=root";
    expect([...(await asked(edits))].sort()).toEqual([...lines, own].sort());
    // What is the same on both sides is nobody's edit: mbctl's own rendering takes its place.
    const lying = [
      ...edits,
      file("./.mbctl/container.nspawn", { content: evil }),
      file("./.mbctl/unit.conf", { content: run }),
    ];
    expect(await asked(lying)).toEqual([own]);
  });
});
