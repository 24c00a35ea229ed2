import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import type { Digest } from "../../lib/image/digest.ts";
import { parseImageRef, type RegistryRef } from "../../lib/image/reference.ts";
import type { Account } from "../../lib/registry/auth_file.ts";
import { BlobFault } from "../../lib/registry/blob_fault.ts";
import { httpBlobs } from "../../lib/registry/http_blobs.ts";
import { fileSink, outcome } from "./_fault_table.ts";
import { canServe, type RegistryBehind, startRegistryBehind } from "./_registry_behind.ts";
import { workshop } from "./_workshop.ts";
import {
  asItIs,
  type FaultyRegistry,
  redirectTo,
  resetAfter,
  type Seen,
  startFaultyRegistry,
  status,
} from "./faulty_registry.ts";

const { path } = workshop();
const repository = "a/b";
const blob = crypto.getRandomValues(new Uint8Array(50_000));
const account: Account = { user: "ann", password: "s3cret:x" };
const basic = `Basic ${Buffer.from("ann:s3cret:x").toString("base64")}`;

let behind: RegistryBehind;
let digest: Digest;
const started: FaultyRegistry[] = [];
let tls = { key: "", cert: "" };

beforeAll(async () => {
  if (!canServe) return;
  behind = await startRegistryBehind(path("behind"));
  digest = await behind.putBlob(repository, blob);
  mkdirSync(path("tls"));
  const files = { key: path("tls/key"), cert: path("tls/cert") };
  const argv =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost";
  await Bun.spawn(
    [
      ...["openssl", ...argv.split(" "), "-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", files.key, "-out", files.cert],
    ],
    { stdio: ["ignore", "ignore", "ignore"] },
  ).exited;
  tls = { key: readFileSync(files.key, "utf8"), cert: readFileSync(files.cert, "utf8") };
});
afterEach(() => {
  for (const one of started.splice(0)) one.stop();
});
afterAll(async () => await behind?.stop());

async function start(withTls?: typeof tls): Promise<FaultyRegistry> {
  const registry = await startFaultyRegistry(behind, withTls);
  started.push(registry);
  return registry;
}

interface Access {
  readonly account?: Account;
  readonly tlsVerify?: boolean;
  readonly authorities?: string;
}

function sourceOf({ host }: FaultyRegistry, access: Access = {}) {
  const { account, tlsVerify = false, authorities } = access;
  const ref = parseImageRef(`${host}/${repository}`) as RegistryRef;
  return httpBlobs(ref, { account, tlsVerify, authorities });
}

const fetched = (registry: FaultyRegistry, access: Access = {}) =>
  outcome(sourceOf(registry, access), digest, blob, fileSink(path("*")));
const blobRequests = (registry: FaultyRegistry) =>
  registry.seen.filter((one) => one.path.endsWith(digest));

/** A server of tokens in the registry itself, and the registry's demand for them. */
function demandTokens(registry: FaultyRegistry, more: object = {}) {
  const issued: Seen[] = [];
  const state = {
    issued,
    valid: "",
    answer: { status: 200, headers: {} as Record<string, string> },
  };
  const realm = `http://${registry.host}/token?given=1`;
  registry.guard = (request) => {
    if (request.path.startsWith("/token")) {
      issued.push(request);
      state.valid = `token-${issued.length}`;
      const body = JSON.stringify({ token: state.valid, expires_in: 300, ...more });
      return { ...state.answer, body };
    }
    if (state.valid !== "" && request.headers.authorization === `Bearer ${state.valid}`)
      return undefined;
    const challenge = `Bearer realm="${realm}",service="the \\"service\\"",scope="repository:x:pull"`;
    return { status: 401, headers: { "WWW-Authenticate": challenge } };
  };
  return state;
}

describe.skipIf(!canServe)("httpBlobs() and logins", () => {
  test("gets a token without an account, once for all blobs at once", async () => {
    const registry = await start();
    const { issued } = demandTokens(registry);
    const source = sourceOf(registry);
    const all = [1, 2, 3].map(() => outcome(source, digest, blob, fileSink(path("*"))));
    expect(await Promise.all(all)).toEqual(["the blob", "the blob", "the blob"]);
    expect(issued.map((one) => [one.path, one.headers.authorization])).toEqual([
      ["/token?given=1&service=the+%22service%22&scope=repository%3Aa%2Fb%3Apull", undefined],
    ]);
    expect(registry.seen.filter((one) => one.path === "/v2/").length).toBe(1);
  });

  test("shows the server of tokens the account", async () => {
    const registry = await start();
    const { issued } = demandTokens(registry);
    expect(await fetched(registry, { account })).toBe("the blob");
    expect(issued.map((one) => one.headers.authorization)).toEqual([basic]);
    expect(issued[0]?.path).toContain("&account=ann&");
  });

  test("gets a new token where one ends in the middle, and goes on from there", async () => {
    const registry = await start();
    const state = demandTokens(registry);
    const source = sourceOf(registry);
    await source.prepare();
    state.valid = "another";
    const half = fileSink(path("*"), blob.subarray(0, 20_000));
    expect(await outcome(source, digest, blob, half)).toBe("the blob");
    expect(state.issued.length).toBe(2);
    expect(blobRequests(registry).map((one) => one.headers.range)).toEqual(
      Array(2).fill("bytes=20000-"),
    );
  });

  test("gives up on a registry that takes no token, and lets another source try", async () => {
    const registry = await start();
    const state = demandTokens(registry);
    const { guard } = registry;
    registry.guard = (request) => {
      const answer = guard?.(request);
      state.valid = "never this one";
      return answer;
    };
    expect(await fetched(registry)).toMatch(/: the registry ".*" answered 401$/);
    expect(blobRequests(registry).length).toBe(2);
    const other = { open: async () => ({ offset: 0, chunks: stream(blob) }) };
    const both = [sourceOf(registry), other];
    expect(await outcome(both, digest, blob, fileSink(path("*")))).toBe("the blob");
  });

  test("tells what the server of tokens answers: busy is tried again, refused is not", async () => {
    const registry = await start();
    const state = demandTokens(registry);
    state.answer = { status: 503, headers: {} };
    expect(await fetched(registry)).toMatch(/: the token server ".*" answered 503$/);
    expect(state.issued.length).toBe(4);
    state.answer = { status: 403, headers: {} };
    expect(await fetched(registry)).toMatch(/: the token server ".*" answered 403$/);
    expect(state.issued.length).toBe(5);
  });

  test("takes no token that would be more than a word, and repeats nothing of it", async () => {
    for (const token of ["two\r\nX-Header: 1", "", 5, null]) {
      const registry = await start();
      demandTokens(registry, { token });
      expect(await fetched(registry)).toMatch(/: the registry's server of tokens gave none$/);
    }
  });

  test("logs in by basic authentication; without an account it does not try", async () => {
    const registry = await start();
    registry.guard = ({ headers }) =>
      headers.authorization === basic
        ? undefined
        : { status: 401, headers: { "WWW-Authenticate": 'Basic realm="here"' } };
    expect(await fetched(registry, { account })).toBe("the blob");
    expect(await fetched(registry)).toMatch(/: the registry ".*" answered 401$/);
  });

  test("leaves a login that is not known, and a token server without TLS, to others", async () => {
    const registry = await start(tls);
    const rows = [
      ["Negotiate", "asks for a kind of login that is not known"],
      [
        `Bearer realm="http://${registry.host}/token"`,
        "sends to a place for tokens that is no safe one",
      ],
      ['Bearer realm="file:///etc/passwd"', "sends to a place for tokens that is no safe one"],
      ["Bearer", "sends to a place for tokens that is no safe one"],
    ];
    for (const [challenge = "", said = ""] of rows) {
      registry.guard = () => ({ status: 401, headers: { "WWW-Authenticate": challenge } });
      expect(await fetched(registry, { account })).toEndWith(`: the registry ${said}`);
    }
    expect(registry.seen.every((one) => one.headers.authorization === undefined)).toBe(true);
  });
});

describe.skipIf(!canServe)("httpBlobs() and other servers", () => {
  test("follows to another one without the login, and asks the registry anew after a fault there", async () => {
    const [registry, cdn] = [await start(), await start()];
    demandTokens(registry);
    registry.fail(
      [redirectTo(({ request }) => `http://${cdn.host}${request.path}?signature=abc`)],
      "for ever",
    );
    cdn.fail([resetAfter(0.5), status(403), asItIs]);
    expect(await fetched(registry, { account })).toBe("the blob");
    expect(cdn.seen.length).toBe(3);
    expect(cdn.seen.map((one) => one.headers.authorization)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(cdn.seen.every((one) => one.path.endsWith("?signature=abc"))).toBe(true);
    const asked = blobRequests(registry);
    expect(asked.map((one) => one.headers.authorization)).toEqual(Array(3).fill("Bearer token-1"));
  });

  test("shows no login to the registry when another server sends back to it", async () => {
    const [registry, cdn] = [await start(), await start()];
    demandTokens(registry);
    registry.fail(
      [redirectTo(({ request }) => `http://${cdn.host}${request.path}`), asItIs],
      "once",
    );
    cdn.fail([redirectTo(({ request }) => `http://${registry.host}${request.path}`)], "for ever");
    await fetched(registry, { account });
    const [first, second] = blobRequests(registry);
    expect([first?.headers.authorization, second?.headers.authorization]).toEqual([
      "Bearer token-1",
      undefined,
    ]);
  });

  test("keeps the login on the same server, and follows no further than five times", async () => {
    const registry = await start();
    demandTokens(registry);
    registry.fail([redirectTo(({ request }) => request.path)], "for ever");
    expect(await fetched(registry)).toMatch(/: the registry ".*" sends around in circles$/);
    expect(blobRequests(registry).map((one) => one.headers.authorization)).toEqual(
      Array(6).fill("Bearer token-1"),
    );
  });

  test("follows to nothing but HTTP, never out of TLS, and never with an account in the URL", async () => {
    const [plain, secure] = [await start(), await start(tls)];
    const rows: [FaultyRegistry, string][] = [
      [plain, "file:///etc/passwd"],
      [plain, "data:text/plain,x"],
      [plain, "s3://bucket/x"],
      [plain, `http://ann:x@${plain.host}/x`],
      [plain, "http://"],
      [secure, `http://${plain.host}/x`],
    ];
    for (const [registry, location] of rows) {
      registry.fail([redirectTo(location)], "for ever");
      const found = await fetched(registry);
      expect([location, found]).toEqual([
        location,
        expect.stringMatching(/sends to a place that is no safe one$/),
      ]);
    }
  });

  test("shows no URL, token or password in any error", async () => {
    const [registry, cdn] = [await start(), await start()];
    demandTokens(registry);
    registry.fail([redirectTo(`http://${cdn.host}/x?signature=s1gn`)], "for ever");
    cdn.stop();
    const error = await sourceOf(registry, { account })
      .open({ digest, sizeBytes: blob.length }, 0)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BlobFault);
    const shown = Bun.inspect(error) + JSON.stringify(error) + String((error as Error).cause);
    expect(shown).toContain(cdn.host);
    expect(shown).not.toMatch(/s1gn|token-1|s3cret|czNjcmV0|\/blobs\//);
  });
});

describe.skipIf(!canServe)("httpBlobs() and TLS", () => {
  test("takes a server that the given certificates know, and no other", async () => {
    const registry = await start(tls);
    expect(await fetched(registry, { tlsVerify: true, authorities: tls.cert })).toBe("the blob");
    const system = readFileSync("/etc/ssl/certs/ca-certificates.crt", "utf8");
    for (const variable of ["", "0"]) {
      // Node's switch for programs that do not say what they want.
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = variable;
      const found = await fetched(registry, { tlsVerify: true, authorities: system });
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      expect(found).toMatch(/: the registry ".*" cannot be talked to \(\w+CERT\w*\)$/);
    }
    expect(await fetched(registry, { tlsVerify: false })).toBe("the blob");
  });

  test("speaks plain HTTP only where TLS does not matter", async () => {
    const registry = await start();
    const system = readFileSync("/etc/ssl/certs/ca-certificates.crt", "utf8");
    expect(await fetched(registry, { tlsVerify: true, authorities: system })).toMatch(
      /: the registry ".*" (cannot be talked to|closed the connection)/,
    );
    expect(registry.seen).toEqual([]);
    expect(await fetched(registry, { tlsVerify: false })).toBe("the blob");
  });
});

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test("a slow sink holds up the registry, not the memory", async () => {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/_slow_sink.ts`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { digest, found, grownBytes, aheadBytes } = await child.stdout.json();
  expect(found).toBe(digest);
  expect(grownBytes).toBeLessThan(60 << 20);
  expect(aheadBytes).toBeLessThan(64 << 20);
}, 30_000);
