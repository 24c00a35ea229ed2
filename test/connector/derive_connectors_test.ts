import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
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
import { deriveConnectors, previewConnectors } from "../../lib/connector/derive_connectors.ts";
import { readInterpreter } from "../../lib/connector/elf_interpreter.ts";
import { openHost } from "../../lib/host/host.ts";
import { machinePaths } from "../../lib/paths.ts";
import type { HostState } from "../../lib/network/host_state.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import type { MachineSpec } from "../../lib/spec/machine_spec.ts";
import { machineOf, stateOf } from "../firewall/_states.ts";

let root: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "mbctl-derive-connectors-"));
  put("/bin/true", "/usr/local/bin/mbctl");
  put(Bun.which("busybox") ?? "", "/bin/busybox");
  const loader = readInterpreter(readFileSync("/bin/true"))?.path ?? "";
  const libraries = dirname(await Bun.$`realpath ${loader}`.text());
  put(loader, loader);
  for (const name of ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"]) {
    put(join(libraries, name), join(dirname(loader), name));
  }
});
afterEach(() => rmSync(root, { recursive: true }));

function put(from: string, to: string): void {
  mkdirSync(join(root, dirname(to)), { recursive: true });
  copyFileSync(from, join(root, to));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A host with these machines. */
function stateWith(machines: Readonly<Record<string, Partial<MachineSpec>>>): HostState {
  rmSync(join(root, "var/lib/man8machine_configs"), { recursive: true, force: true });
  const found = Object.entries(machines).map(([name, rest]) => {
    write(machinePaths(root, parseMachineName(name)).machineToml, "");
    const { spec, template } = machineOf(name);
    return { spec: { ...spec, ...rest }, template };
  });
  return { ...stateOf({}, []), machines: found };
}

const host = () => openHost({ root, log: { command() {} } });
const callers = () => join(root, "var/lib/mbctl/connectors");
/** All below the folder of callers, sorted. */
const tree = () => (readdirSync(callers(), { recursive: true }) as string[]).sort();
const units = () =>
  readdirSync(join(root, "etc/systemd/system")).filter((name) => name.startsWith("mbctl-"));
const db = { lend: { psql: ["psql"] } };
const web = { connectors: [parseMachineName("db")] };

describe("deriveConnectors()", () => {
  test("writes what a pair needs, once, and takes it away again; a machine keeps its folder", async () => {
    const state = stateWith({ db, web });
    await deriveConnectors(host(), state);
    expect(tree()).toEqual([
      ...["_host_", "_host_/db", "web", "web/.client", "web/db", "web/db/psql"],
    ]);
    expect(units()).toHaveLength(4);
    expect(statSync(callers()).mode & 0o777).toBe(0o700);
    expect(statSync(join(callers(), "web")).mode & 0o777).toBe(0o755);
    expect(previewConnectors(host(), state)).toEqual([]);
    const folder = statSync(join(callers(), "web")).ino;

    const renamed = stateWith({ db: { lend: { pg_dump: ["pg_dump"] } }, web });
    expect(previewConnectors(host(), renamed)).toEqual([
      `write ${join(callers(), "web/db/pg_dump")}`,
      `remove ${join(callers(), "web/db/psql")}`,
    ]);
    await deriveConnectors(host(), renamed);
    expect(tree()).toContain("web/db/pg_dump");
    expect(tree()).not.toContain("web/db/psql");

    const client = join(root, "var/lib/mbctl/connector-client");
    expect(existsSync(join(client, "a/mbctl"))).toBe(true);
    await deriveConnectors(host(), stateWith({ db, web: {} }));
    expect(tree()).toEqual(["_host_", "_host_/db", "web", "web/.client"]);
    expect(readdirSync(client)).toEqual([]);
    expect(units().sort()).toEqual([
      ...["mbctl-connector__host__db.service", "mbctl-connector__host__db.socket"],
    ]);
    await deriveConnectors(host(), stateWith({ db, web }));
    expect(statSync(join(callers(), "web")).ino).toBe(folder);

    // A machine that is made anew under the name does not share it.
    await deriveConnectors(host(), stateWith({ db }));
    expect(existsSync(join(callers(), "web"))).toBe(false);
    await deriveConnectors(host(), stateWith({}));
    expect(readdirSync(join(root, "var/lib/mbctl"))).toEqual([]);
    expect(units()).toEqual([]);
    expect(
      existsSync(join(root, "etc/systemd/system/sockets.target.d/50-mbctl-connectors.conf")),
    ).toBe(false);
  });

  test("a machine whose files cannot be read keeps its folder, which it may have mounted", async () => {
    await deriveConnectors(host(), stateWith({ db, web }));
    const broken = stateWith({ db, web });
    await deriveConnectors(host(), {
      ...broken,
      machines: [],
    });
    expect(tree()).toEqual(["web", "web/.client"]);
  });

  test("a host without connectors gets nothing, not even folders", async () => {
    await deriveConnectors(host(), stateWith({ web: {} }));
    expect(existsSync(join(root, "var/lib/mbctl/connectors"))).toBe(false);
    expect(existsSync(join(root, "var/lib/mbctl/connector-client"))).toBe(false);
  });
});
