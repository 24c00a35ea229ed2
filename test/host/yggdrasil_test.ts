import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatIpv6, formatPrefix, parsePrefix } from "../../lib/address/ipv6.ts";
import type { Host } from "../../lib/host/host.ts";
import { CommandError, type Run } from "../../lib/host/run.ts";
import { makeSpawn } from "../../lib/host/spawn.ts";
import {
  keyFromGetself,
  prefixFromGetself,
  readHostIdentity,
  readHostPrefix,
} from "../../lib/host/yggdrasil.ts";
import { defaultHostConfig } from "../../lib/config/host_config.ts";

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

test("keyFromGetself() reads the public key, where there is one", () => {
  expect(keyFromGetself(JSON.stringify(answers["0.5 and 0.4.5"]))).toBe("ab");
  expect(keyFromGetself(JSON.stringify(answers["0.4.4"]))).toBeUndefined();
  expect(keyFromGetself("Fatal error: dial tcp: connection refused")).toBeUndefined();
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
  return {
    root: base,
    isLive: true,
    run,
    spawn: makeSpawn(),
    config: defaultHostConfig,
    name: "hosta",
    ...more,
  };
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
    hint: 'mbctl host setup, or write prefix = "3xx:…::/64" to /etc/mbctl/config.toml',
  });
});

test("readHostIdentity() knows key and address, from the running yggdrasil or from its settings", async () => {
  const key = "cc11c73bd4271b10b2ecba1d01a06c1465c053e665f2d9b3c97480559628bc56";
  const [address, prefix] = ["200:67dc:7188:57b1:c9de:9a26:8bc5:fcbf", "300:67dc:7188:57b1::/64"];
  const identity = async (given: Host) => {
    const found = await readHostIdentity(given);
    return [found.key, found.address && formatIpv6(found.address), formatPrefix(found.prefix)];
  };
  const running = JSON.stringify({ key, address, subnet: prefix });
  expect(await identity(host({ running }))).toEqual([key, address, prefix]);
  // A key that is not that of the prefix says nothing about this host.
  const config = { ...defaultHostConfig, prefix: parsePrefix("300::/64") };
  expect(await identity(host({ running }, { config }))).toEqual([
    ...[undefined, undefined],
    "300::/64",
  ]);

  mkdirSync(join(base, "etc"), { recursive: true });
  writeFileSync(join(base, "etc/yggdrasil.conf"), "{}");
  const said: Record<string, string> = { "-subnet": prefix, "-publickey": `${key}\n` };
  const offline = (answers: Record<string, string>): Run => {
    return async (argv) => {
      const stdout = answers[argv[3] ?? ""];
      const result = { stdout: stdout ?? "", stderr: "", exitCode: stdout === undefined ? 2 : 0 };
      if (stdout === undefined) throw new CommandError(argv, result, "it exited with code 2");
      return result;
    };
  };
  expect(await identity(host({}, { run: offline(said) }))).toEqual([key, address, prefix]);
  // 0.4.7 has no -publickey: the private key ends with it.
  const old = {
    "-subnet": prefix,
    "-normaliseconf": JSON.stringify({ PrivateKey: "0".repeat(64) + key }),
  };
  expect(await identity(host({}, { run: offline(old) }))).toEqual([key, address, prefix]);
  rmSync(join(base, "etc"), { recursive: true });
});
