import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPrefix, parsePrefix } from "../../lib/address/ipv6.ts";
import type { Host } from "../../lib/host/host.ts";
import { CommandError, type Run } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import { prefixFromGetself, readHostPrefix } from "../../lib/host/yggdrasil.ts";
import { defaultHostConfig } from "../../lib/machine/host_config.ts";

const prefix = "300:2e98:a4b0:1789::/64";

/** What `yggdrasilctl -json getself` says, by version. */
const answers: Readonly<Record<string, unknown>> = {
  "0.5 and 0.4.5": {
    build_name: "yggdrasil",
    build_version: "0.5.12",
    key: "ab",
    address: "200:2e98:a4b0:1789:1:2:3:4",
    coords: [],
    subnet: prefix,
  },
  "0.4.4": {
    self: {
      "200:2e98:a4b0:1789:1:2:3:4": { build_name: "yggdrasil", coords: "[]", subnet: prefix },
    },
  },
  "an address alone": { address: "200:2e98:a4b0:1789:1:2:3:4" },
};
test.each(Object.keys(answers))("prefixFromGetself() reads the answer of %s", (version) => {
  const found = prefixFromGetself(JSON.stringify(answers[version]));
  expect(found && formatPrefix(found)).toBe(prefix);
});

test("prefixFromGetself() finds nothing in an answer without either", () => {
  for (const answer of [{}, { self: {} }, [], null])
    expect(prefixFromGetself(JSON.stringify(answer))).toBeUndefined();
});

let base = "";
let path: string | undefined;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "mbctl-ygg-"));
  // Programs are looked for on PATH; these are never run.
  for (const program of ["yggdrasil", "yggdrasilctl"]) {
    writeFileSync(join(base, program), "#!/bin/false\n");
    chmodSync(join(base, program), 0o755);
  }
  path = process.env.PATH;
  process.env.PATH = `${base}:${path}`;
});
afterAll(() => {
  process.env.PATH = path;
  rmSync(base, { recursive: true });
});

interface Answers {
  readonly running?: string;
  readonly offline?: string;
}
function host(answers: Answers, more: Partial<Host> = {}): Host {
  const run: Run = async (argv) => {
    const stdout = argv[0] === "yggdrasilctl" ? answers.running : answers.offline;
    const result = { stdout: stdout ?? "", stderr: "no", exitCode: stdout === undefined ? 1 : 0 };
    if (stdout === undefined) throw new CommandError(argv, result, "it exited with code 1");
    return result;
  };
  return { root: base, isLive: true, run, spawn: makeSpawn(), config: defaultHostConfig, ...more };
}
const running = JSON.stringify({ subnet: "301::/64" });
const read = async (given: Host) => formatPrefix(await readHostPrefix(given));

test("readHostPrefix() asks config.toml, then the running yggdrasil, then the key in its settings", async () => {
  mkdirSync(join(base, "etc/yggdrasil"), { recursive: true });
  writeFileSync(join(base, "etc/yggdrasil/yggdrasil.conf"), "{}");
  const all = { running, offline: "302::/64\n" };
  expect(
    await read(host(all, { config: { ...defaultHostConfig, prefix: parsePrefix(prefix) } })),
  ).toBe(prefix);
  expect(await read(host(all))).toBe("301::/64");
  expect(await read(host(all, { isLive: false }))).toBe("302::/64");
  expect(await read(host({ offline: "302::/64" }))).toBe("302::/64");
  rmSync(join(base, "etc"), { recursive: true });
});

test("readHostPrefix() says what to do when nobody knows", async () => {
  await expect(readHostPrefix(host({}))).rejects.toMatchObject({
    kind: "host",
    message: "Cannot find the host's yggdrasil prefix: yggdrasil is not set up",
    hint: 'systemctl start yggdrasil, or write prefix = "3xx:…::/64" to /etc/mbctl/config.toml',
  });
});
