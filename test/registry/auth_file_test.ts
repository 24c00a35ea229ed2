import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseImageRef, type RegistryRef } from "../../lib/image/reference.ts";
import { findAccount } from "../../lib/registry/auth_file.ts";
import { canServe, type RegistryBehind, startRegistryBehind } from "./_registry_behind.ts";
import { canFetch, workshop } from "./_workshop.ts";
import { type FaultyRegistry, startFaultyRegistry } from "./faulty_registry.ts";

const { path } = workshop();
const entry = (user: string, password = "p") => ({
  auth: Buffer.from(`${user}:${password}`).toString("base64"),
});
const refOf = (text: string) => parseImageRef(text) as RegistryRef;

interface Row {
  readonly name: string;
  /** Files below HOME, `run/` being XDG_RUNTIME_DIR. HOST stands for the registry. */
  readonly files: Readonly<Record<string, object | string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly authFile?: string;
  /** The user; undefined for no account; or why not plain. */
  readonly expected: string | undefined | RegExp;
  /** skopeo 1.9.3 and later differ, or it would fail. */
  readonly isLeft?: boolean;
}

const runtime = "run/containers/auth.json";
const config = ".config/containers/auth.json";
const docker = ".docker/config.json";
const auths = (entries: object) => ({ auths: entries });

const rows: readonly Row[] = [
  { name: "no file", files: {}, expected: undefined },
  { name: "the registry", files: { [runtime]: auths({ HOST: entry("a") }) }, expected: "a" },
  {
    name: "the most specific key",
    files: {
      [runtime]: auths({ HOST: entry("a"), "HOST/ns": entry("b"), "HOST/ns/repo/x": entry("c") }),
    },
    expected: "b",
  },
  {
    name: "the repository before its namespace",
    files: { [runtime]: auths({ "HOST/ns": entry("b"), "HOST/ns/repo": entry("c") }) },
    expected: "c",
  },
  {
    name: "a namespace that begins alike",
    files: { [runtime]: auths({ "HOST/n": entry("b") }) },
    expected: undefined,
  },
  {
    name: "another registry",
    files: { [runtime]: auths({ "example.com": entry("b") }) },
    expected: undefined,
  },
  {
    name: "files in their order",
    files: {
      [runtime]: auths({ "example.com": entry("a") }),
      [config]: auths({ HOST: entry("b") }),
      [docker]: auths({ HOST: entry("c") }),
    },
    expected: "b",
  },
  { name: "docker's file", files: { [docker]: auths({ HOST: entry("c") }) }, expected: "c" },
  {
    name: "an entry without an account",
    files: { [runtime]: auths({ HOST: {} }), [docker]: auths({ HOST: entry("c") }) },
    expected: "c",
  },
  {
    name: "DOCKER_CONFIG",
    files: { [docker]: auths({ HOST: entry("c") }), "d/config.json": auths({ HOST: entry("d") }) },
    environment: { DOCKER_CONFIG: "HOME/d" },
    expected: "d",
  },
  {
    name: "--authfile",
    files: { [runtime]: auths({ HOST: entry("a") }), mine: auths({ HOST: entry("m") }) },
    authFile: "mine",
    expected: "m",
  },
  {
    name: "REGISTRY_AUTH_FILE",
    files: { [runtime]: auths({ HOST: entry("a") }), mine: auths({ HOST: entry("m") }) },
    environment: { REGISTRY_AUTH_FILE: "HOME/mine" },
    expected: "m",
  },
  {
    name: "--authfile without the registry, which another file has",
    files: { [config]: auths({ HOST: entry("a") }), mine: auths({}) },
    authFile: "mine",
    expected: /\.config\/containers\/auth\.json too$/,
    isLeft: true,
  },
  {
    name: "a URL as the key",
    files: { [docker]: auths({ "http://HOST/v1/": entry("u") }) },
    expected: "u",
  },
  {
    name: "two URLs as keys",
    files: { [docker]: auths({ "http://HOST/v1/": entry("u"), "https://HOST/v2/": entry("v") }) },
    expected: /names the registry twice$/,
    isLeft: true,
  },
  {
    name: "a colon in the password",
    files: { [runtime]: auths({ HOST: entry("a", "x:y ü") }) },
    expected: "a",
  },
  {
    name: "no colon",
    files: { [runtime]: auths({ HOST: { auth: "YWJj" } }) },
    expected: undefined,
  },
  {
    name: "a broken account",
    files: { [runtime]: auths({ HOST: { auth: "%%%" } }) },
    expected: /has a broken account$/,
    isLeft: true,
  },
  {
    name: "an identity token",
    files: { [runtime]: auths({ HOST: { ...entry("a"), identitytoken: "t" } }) },
    expected: /has an identity token$/,
    isLeft: true,
  },
  {
    name: "a helper for the registry",
    files: { [runtime]: { ...auths({ HOST: entry("a") }), credHelpers: { HOST: "x" } } },
    expected: /names a credential helper$/,
    isLeft: true,
  },
  {
    name: "a helper for another registry",
    files: { [runtime]: { ...auths({ HOST: entry("a") }), credHelpers: { "example.com": "x" } } },
    expected: "a",
  },
  {
    name: "docker's store of accounts",
    files: { [docker]: { ...auths({ HOST: {} }), credsStore: "x" } },
    expected: /names a credential helper$/,
    isLeft: true,
  },
  { name: "no JSON", files: { [runtime]: "{" }, expected: /cannot be read$/, isLeft: true },
  {
    name: "an old .dockercfg",
    files: { ".dockercfg": "{}" },
    expected: /there is an old /,
    isLeft: true,
  },
];

/** Writes the files of a row, and gives what a program sees of them. */
function lay(row: Row, host: string) {
  const home = path("home-*");
  mkdirSync(join(home, "run"), { recursive: true });
  const fill = (text: string) => text.replaceAll("HOST", host).replaceAll("HOME", home);
  for (const [name, content] of Object.entries(row.files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(join(home, name), fill(text));
  }
  const more = Object.entries(row.environment ?? {}).map(([name, value]) => [name, fill(value)]);
  return {
    environment: { HOME: home, XDG_RUNTIME_DIR: join(home, "run"), ...Object.fromEntries(more) },
    authFile: row.authFile === undefined ? undefined : join(home, row.authFile),
  };
}

const readText = (file: string) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};

function found(row: Row, host: string) {
  const { environment, authFile } = lay(row, host);
  return findAccount(refOf(`${host}/ns/repo`), authFile, { environment, uid: 0, readText });
}

describe("findAccount()", () => {
  test.each(rows)("reads $name", (row) => {
    const answer = found(row, "registry.example:5000");
    const shown = "notPlain" in answer ? answer.notPlain : answer.account?.user;
    if (row.expected instanceof RegExp) expect(shown).toMatch(row.expected);
    else expect(shown).toBe(row.expected);
  });

  test("keeps the whole password", () => {
    const row = rows.find(({ name }) => name === "a colon in the password");
    expect(row && found(row, "h.example")).toEqual({ account: { user: "a", password: "x:y ü" } });
  });

  test("knows docker.io by the name that docker login gives it", () => {
    const files = { [docker]: auths({ "https://index.docker.io/v1/": entry("hub") }) };
    const { environment } = lay({ name: "", files, expected: "" }, "");
    const places = { environment, uid: 0, readText };
    expect(findAccount(refOf("nginx"), undefined, places)).toMatchObject({
      account: { user: "hub" },
    });
    expect(findAccount(refOf("quay.io/x"), undefined, places)).toEqual({ account: undefined });
  });

  test("looks below /run/containers where there is no XDG_RUNTIME_DIR", () => {
    const asked: string[] = [];
    findAccount(refOf("nginx"), undefined, {
      environment: { HOME: "/h" },
      uid: 7,
      readText: (file) => void asked.push(file),
    });
    expect(asked).toEqual([
      "/run/containers/7/auth.json",
      "/h/.config/containers/auth.json",
      "/h/.docker/config.json",
      "/h/.dockercfg",
    ]);
  });
});

describe.skipIf(!canServe || !canFetch)("findAccount() and skopeo", () => {
  let behind: RegistryBehind;
  let registry: FaultyRegistry;
  beforeAll(async () => {
    behind = await startRegistryBehind(path("behind"));
    registry = await startFaultyRegistry(behind);
    registry.guard = ({ headers }) =>
      headers.authorization === undefined
        ? { status: 401, headers: { "WWW-Authenticate": 'Basic realm="r"' } }
        : undefined;
  });
  afterAll(async () => {
    registry?.stop();
    await behind?.stop();
  });

  test.each(rows.filter(({ isLeft }) => !isLeft))("agree on $name", async (row) => {
    const { environment, authFile } = lay(row, registry.host);
    registry.seen.length = 0;
    const flags = authFile === undefined ? [] : ["--authfile", authFile];
    await Bun.spawn(
      ["skopeo", "inspect", "--tls-verify=false", ...flags, `docker://${registry.host}/ns/repo`],
      { env: { ...environment, PATH: process.env.PATH }, stdio: ["ignore", "ignore", "ignore"] },
    ).exited;
    const [, word = ""] = registry.seen.at(-1)?.headers.authorization?.split(" ") ?? [];
    const [user = "", ...rest] = Buffer.from(word, "base64").toString().split(":");
    const password = rest.join(":");
    const account = user === "" ? undefined : { user, password };
    expect(registry.seen.length).toBeGreaterThan(1);
    expect(found(row, registry.host)).toEqual({ account });
  });
});
