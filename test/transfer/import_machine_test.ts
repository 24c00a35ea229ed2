/** An import that fails, at whatever step, leaves nothing. */

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { type Host, openHost } from "../../lib/host/host.ts";
import { listMachineNames, pendingWork } from "../../lib/machine/inventory.ts";
import { machinePaths } from "../../lib/paths.ts";
import { recoverPull } from "../../lib/steps/pull.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { parseMachineToml } from "../../lib/spec/machine_toml.ts";
import {
  importMachine,
  type ImportRequest,
  previewImport,
} from "../../lib/transfer/import_machine.ts";
import { ArchiveReader } from "../../lib/transfer/read_archive.ts";
import { snapshot } from "../machine/_snapshot.ts";
import { archiveOf, configurationEntries, inPieces } from "./_archive.ts";
import { prefixText, specOf, writeMachine } from "./_machine.ts";

setDefaultTimeout(30_000);
const [web, www] = [parseMachineName("web"), parseMachineName("www")];
const storage = [
  { path: "./", type: "dir", mode: 0o700 },
  { path: "./data/", type: "dir" },
  { path: "./data/rows", content: "rows\n" },
] as const;

describe.skipIf(process.getuid?.() !== 0 || Bun.which("busybox") === null)("an import", () => {
  let dir: string;
  let root: string;
  let host: Host;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "mbctl-import-test-"));
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

  /** All files; folders of mbctl's own may stay. */
  const files = () => snapshot(dir).filter((line) => !/\/ 7\d\d 0:0$/.test(line));

  async function read(bytes: Uint8Array, changes: Partial<ImportRequest> = {}): Promise<void> {
    const reader = new ArchiveReader(inPieces(bytes), '"web.tar"');
    const manifest = await reader.manifest();
    const request: ImportRequest = {
      ...{ manifest, name: manifest.name, publish: [], isStorageStaged: false, warn: () => {} },
      keepsIdentity: false,
      unpacking: { spawn: host.spawn },
      approve: async () => {},
      rebuild: async () => {},
      ...changes,
    };
    await importMachine(host, reader, request, { host });
  }

  const spec = specOf("web", { devices: [], secrets: [] });
  const good = archiveOf({ configuration: configurationEntries([], spec), storage });

  test("puts configuration and data in their places before it is rebuilt", async () => {
    const paths = machinePaths(root, www);
    let wasThere = false;
    await read(good, {
      name: www,
      rebuild: async () => {
        wasThere = readFileSync(join(paths.storage, "data/rows"), "utf8") === "rows\n";
        expect(pendingWork(root, www)).toBe("pull");
      },
    });
    expect(wasThere).toBe(true);
    expect(listMachineNames(root)).toEqual([www]);
    expect(pendingWork(root, www)).toBeUndefined();
    expect(readFileSync(paths.nspawn, "utf8")).toContain("/var/lib/man8machine_storage/www/data");
  });

  test.each([
    ["another name", www, false, ""],
    ["another name, as the one that it was", www, true, "id\n"],
    ["its own name", web, false, "id\n"],
  ] as const)(
    "of a whole system, under %s, keeps its identity or not",
    async (_, name, keepsIdentity, id) => {
      const {
        secrets: _secrets,
        environment: _environment,
        ...rest
      } = specOf("web", { devices: [] });
      const system = { ...rest, mode: "base", environment: [], secrets: [], volumes: [] } as const;
      const tree = [
        { path: "./", type: "dir" },
        { path: "./etc/", type: "dir" },
        { path: "./etc/machine-id", content: "id\n" },
      ] as const;
      const configuration = configurationEntries([], system);
      await read(archiveOf({ configuration, tree }), { name, keepsIdentity });
      const made = join(machinePaths(root, name).tree, "etc/machine-id");
      expect(readFileSync(made, "utf8")).toBe(id);
    },
  );

  test("tells what the machine asks for, and makes nothing meanwhile", async () => {
    const before = files();
    const reader = new ArchiveReader(inPieces(good), '"web.tar"');
    const manifest = await reader.manifest();
    const offer = await previewImport(host, reader, {
      ...{ manifest, name: web, publish: [], isStorageStaged: false, warn: () => {} },
      keepsIdentity: false,
      unpacking: { spawn: host.spawn },
    });
    expect(offer.asked).toEqual(["the host's folder /srv/web at /srv"]);
    expect(files()).toEqual(before);
  });

  test("has other ports of the host where they are named, in what it asks for and in what is rebuilt", async () => {
    const publish = [parsePublishedPort("8081:80")];
    const ports = { publish: [parsePublishedPort("8080:80")] };
    const published = archiveOf({ configuration: configurationEntries([], { ...spec, ...ports }) });
    const asked: string[] = [];
    let toml = "";
    await read(published, {
      publish,
      approve: async (offer) => void asked.push(...offer.asked),
      rebuild: async () => {
        toml = readFileSync(machinePaths(root, web).machineToml, "utf8");
      },
    });
    expect(asked).toContain("a port of the host that leads to it: 8081:80");
    expect(parseMachineToml(toml, "machine.toml").publish).toEqual(publish);
  });

  const fail = async () => {
    throw new MbctlError("failed", "No");
  };
  test.each<[string, Uint8Array, Partial<ImportRequest>]>([
    ["is not wanted", good, { approve: fail }],
    ["cannot be rebuilt", good, { rebuild: fail }],
    ["ends early", good.subarray(0, -2048), {}],
    [
      "holds a volume that is a link",
      archiveOf({
        configuration: configurationEntries([], spec),
        storage: [{ path: "./data", type: "symlink", linkTarget: "/etc" }],
      }),
      {},
    ],
    [
      "holds a link for machine.toml",
      archiveOf({
        configuration: configurationEntries([
          { path: "./machine.toml", type: "symlink", linkTarget: "/etc/passwd" },
        ]),
      }),
      {},
    ],
    ["is of another name", archiveOf({ configuration: configurationEntries() }, { name: www }), {}],
  ])("leaves nothing when it %s", async (_, bytes, changes) => {
    const before = files();
    await expect(read(bytes, changes)).rejects.toBeInstanceOf(MbctlError);
    expect(files()).toEqual(before);
    expect(existsSync(machinePaths(root, web).configuration)).toBe(false);
  });

  test("is taken back by the next run when it was killed", async () => {
    const before = files();
    // What a kill in the midst of it leaves.
    const states: string[][] = [];
    const stop = async () => {
      states.push(files());
      Bun.spawnSync(["cp", "-a", root, join(dir, "killed")]);
      throw new MbctlError("failed", "No");
    };
    for (const changes of [{ approve: stop }, { rebuild: stop }]) {
      await read(good, changes).catch(() => {});
      rmSync(root, { recursive: true });
      Bun.spawnSync(["mv", join(dir, "killed"), root]);
      expect(files().length).toBeGreaterThan(before.length);
      expect(await recoverPull(host, web, { host })).toBe("taken back");
      expect(files()).toEqual(before);
    }
    expect(states.length).toBe(2);
  });

  test("refuses a name that is in use, and leaves its machine alone", async () => {
    writeMachine(root, specOf("web"));
    const before = snapshot(dir);
    await expect(read(good)).rejects.toThrow('Cannot make the machine "web": the name is in use');
    expect(snapshot(dir)).toEqual(before);
  });

  test("refuses data that is said to be there already, and was cleared with a killed import's", async () => {
    const { pullMarker, stagedStorage, storage: data } = machinePaths(root, web);
    put(pullMarker, "");
    put(join(stagedStorage, "data/rows"), "rows\n");
    expect(await recoverPull(host, web, { host })).toBe("taken back");
    const before = files();
    const moved = archiveOf({ configuration: configurationEntries([], spec) });
    await expect(read(moved, { isStorageStaged: true })).rejects.toThrow("its data is gone");
    expect(files()).toEqual(before);
    put(join(stagedStorage, "data/rows"), "rows\n");
    await read(moved, { isStorageStaged: true });
    expect(readFileSync(join(data, "data/rows"), "utf8")).toBe("rows\n");
  });
});
