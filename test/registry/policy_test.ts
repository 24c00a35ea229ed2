import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { makeRun } from "../../lib/host/run.ts";
import { type ImageRef, parseImageRef } from "../../lib/image/reference.ts";
import {
  formatVerification,
  type Policy,
  parsePolicy,
  ruleFor,
  takesAnything,
} from "../../lib/registry/policy.ts";
import { readPolicy } from "../../lib/registry/read_policy.ts";
import { canServe, push, type RealRegistry, startRegistry } from "./_real_registry.ts";
import { failure, open, openWhole, type Shapes, workshop, writeShapes } from "./_workshop.ts";

const accept = [{ type: "insecureAcceptAnything" }];
const reject = [{ type: "reject" }];
const parse = (json: object): Policy => {
  const policy = parsePolicy(JSON.stringify(json));
  if (policy === undefined) throw new Error("it was not understood");
  return policy;
};

describe("parsePolicy()", () => {
  const bad: readonly (readonly [why: string, text: string])[] = [
    ["no JSON", "{"],
    ["no default", "{}"],
    ["a default that demands nothing at all", '{"default":[]}'],
    ["a key that is not known", '{"default":[{"type":"reject"}],"x":1}'],
    [
      "a key twice",
      '{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}',
    ],
    ["a key twice, deep", '{"default":[{"type":"reject","type":"insecureAcceptAnything"}]}'],
  ];
  test.each(bad)("leaves to skopeo a file with %s", (_, text) => {
    expect(parsePolicy(text)).toBeUndefined();
  });

  test("takes what looks like a key inside of a text for none", () => {
    const keyPath = 'a\\" : "b": ';
    expect(parsePolicy(JSON.stringify({ default: [{ type: "signedBy", keyPath }] }))).toBeDefined();
  });
});

test("ruleFor() takes the narrowest scope (containers-policy.json(5))", () => {
  const rules = (transports: object, text: string) => {
    const ref: ImageRef = parseImageRef(text);
    const { scope } = ruleFor(parse({ default: reject, transports }), ref, "/f");
    return scope;
  };
  const docker = (...scopes: readonly string[]) => ({
    docker: Object.fromEntries(scopes.map((scope) => [scope, accept])),
  });
  const rows: readonly (readonly [object, string, string])[] = [
    [{}, "nginx", "default"],
    [docker(""), "nginx", "docker"],
    [docker("docker.io"), "nginx", "docker:docker.io"],
    [docker("", "docker.io/library/nginx"), "nginx", "docker:docker.io/library/nginx"],
    [docker("docker.io/library/nginx:1", "docker.io"), "nginx:2", "docker:docker.io"],
    [docker("docker.io/library/nginx:1"), "nginx:1", "docker:docker.io/library/nginx:1"],
    [docker("docker.io/library/ngin"), "nginx", "default"],
    [docker("a.b.c:5000", "*.b.c"), "a.b.c:5000/x/y", "docker:a.b.c:5000"],
    [docker("*.b.c"), "a.b.c:5000/x/y", "docker:*.b.c"],
    [docker("*.c"), "a.b.c/x", "docker:*.c"],
    [docker("*.b.c"), "b.c/x", "default"],
    [{ oci: { "/a": accept } }, "oci:/a/b:x", "oci:/a"],
    [{ oci: { "/a/b": accept } }, "oci:/a/bc:x", "default"],
    [{ dir: { "": accept } }, "dir:/a", "dir"],
    [{ oci: { "": accept } }, "dir:/a", "default"],
    [{ "docker-archive": { "/a": accept } }, "docker-archive:/a", "default"],
  ];
  expect(rows.map(([transports, text]) => [text, rules(transports, text)])).toEqual(
    rows.map(([, text, scope]) => [text, scope]),
  );
  const signed = ruleFor(parse({ default: [{ type: "signedBy" }] }), parseImageRef("a"), "/f");
  expect([signed.isSigned, formatVerification(signed)]).toEqual([true, "signedBy (default in /f)"]);
});

test("takesAnything() wants every scope of the transport, and the default, to demand nothing", () => {
  const rows: readonly (readonly [object, boolean])[] = [
    [{ default: accept }, true],
    [{ default: reject, transports: { oci: { "": accept } } }, false],
    [{ default: accept, transports: { oci: { "/elsewhere": reject } } }, false],
    [{ default: accept, transports: { docker: { "": reject } } }, true],
    [{ default: [...accept, { type: "signedBy" }] }, false],
  ];
  expect(rows.map(([json]) => takesAnything(parse(json), "oci"))).toEqual(
    rows.map(([, expected]) => expected),
  );
});

describe.skipIf(!canServe)("openImage() under a policy", () => {
  const { path } = workshop();
  let registry: RealRegistry;
  let shapes: Shapes;
  let gpgHome = "";
  const run = makeRun();
  const gpg = (...words: readonly string[]) =>
    run(["gpg", "--batch", "--quiet", ...words], { env: { GNUPGHOME: gpgHome } });
  const policy = (name: string, json: object) => {
    const file = path(`${name}.json`);
    writeFileSync(file, JSON.stringify(json));
    return { policyFile: file, registriesDir: path("registries.d") };
  };
  const by = (key: string) =>
    policy(`by-${key}`, {
      default: reject,
      transports: {
        docker: {
          [`${registry.host}/signed`]: [
            { type: "signedBy", keyType: "GPGKeys", keyPath: path(`${key}.gpg`) },
          ],
        },
      },
    });

  beforeAll(async () => {
    shapes = await writeShapes(path("layout"));
    registry = await startRegistry(path("registry"));
    gpgHome = path("gnupg");
    for (const dir of [gpgHome, path("registries.d"), path("lookaside")]) {
      mkdirSync(dir, { mode: 0o700 });
    }
    const lookaside = `file://${path("lookaside")}`;
    writeFileSync(
      path("registries.d/x.yaml"),
      `default-docker:\n  lookaside: ${lookaside}\n  lookaside-staging: ${lookaside}\n`,
    );
    for (const key of ["ours", "other"]) {
      await gpg("--passphrase=", "--quick-generate-key", `${key}@example.com`, "rsa2048", "sign");
      await gpg(`--output=${path(`${key}.gpg`)}`, "--export", `${key}@example.com`);
    }
    const layout = shapes.layout.dir;
    const sign = (name: string) =>
      run(
        [
          ...["skopeo", `--registries.d=${path("registries.d")}`, "copy", "--quiet", "--all"],
          ...["--dest-tls-verify=false", "--sign-by=ours@example.com"],
          ...[`oci:${layout}:${name}`, `docker://${registry.host}/signed/${name}:1`],
        ],
        { env: { GNUPGHOME: gpgHome } },
      );
    for (const name of ["zstd", "index"]) await sign(name);
    await push(`oci:${layout}:oci`, `${registry.host}/signed/not:1`);
    await push(`oci:${layout}:zstd`, `${registry.host}/signed/zstd:2`);
  });
  afterAll(async () => {
    await run(["gpgconf", "--kill", "all"], { env: { GNUPGHOME: gpgHome } });
    await registry?.stop();
  });

  test("takes what is signed by the key, also an index, and says by which rule", async () => {
    for (const name of ["zstd", "index"]) {
      const { verification, verifiedBy } = await openWhole(
        `${registry.host}/signed/${name}:1`,
        by("ours"),
      );
      expect(verification).toEqual({
        rules: ["signedBy"],
        scope: `docker:${registry.host}/signed`,
        file: path("by-ours.json"),
        isSigned: true,
      });
      expect(verifiedBy).toBe(
        `signedBy (docker:${registry.host}/signed in ${path("by-ours.json")})`,
      );
    }
    const digest = shapes.tags.zstd?.digest;
    await openWhole(`${registry.host}/signed/zstd@${digest}`, by("ours"));
  });

  test("refuses everything else: another key, no signature, another tag, another place", async () => {
    const rows: readonly (readonly [what: string, key: string, cause: RegExp])[] = [
      ["signed/zstd:1", "other", /Invalid GPG signature/],
      ["signed/index:1", "other", /Invalid GPG signature/],
      ["signed/not:1", "ours", /A signature was required, but no signature exists/],
      ["signed/zstd:2", "ours", /Signature for identity "?[^ ]+zstd:1"? is not accepted/],
    ];
    for (const [what, key, cause] of rows) {
      const image = `${registry.host}/${what}`;
      const refused = await failure(open(image, by(key)));
      expect(refused).toEqual({
        kind: "tool",
        message: `Cannot use image "${image}": the policy refuses it`,
        cause: expect.stringMatching(cause),
        hint: `the rule "signedBy" of "docker:${registry.host}/signed" in ${path(`by-${key}.json`)} applies to it, see containers-policy.json(5)`,
      });
    }
  });

  test("refuses where the policy says reject, whatever the source", async () => {
    const archive = path("docker.tar");
    await run([
      "skopeo",
      "copy",
      "--quiet",
      `oci:${shapes.layout.dir}:oci`,
      `docker-archive:${archive}`,
    ]);
    const sources = [
      `${registry.host}/signed/zstd:1`,
      `${registry.host}/signed/index:1`,
      `oci:${shapes.layout.dir}:oci`,
      `docker-archive:${archive}`,
    ];
    for (const image of sources) {
      const file = policy("reject", { default: reject });
      expect(await failure(open(image, file))).toMatchObject({
        message: `Cannot use image "${image}": the policy refuses it`,
        hint: `the rule "reject" of "default" in ${path("reject.json")} applies to it, see containers-policy.json(5)`,
      });
    }
  });

  test("takes a local image whose own folder demands nothing, by way of skopeo", async () => {
    const more = policy("local", {
      default: reject,
      transports: { oci: { [path("layout")]: accept } },
    });
    const { verifiedBy } = await openWhole(`oci:${shapes.layout.dir}:oci`, more);
    expect(verifiedBy).toBe(
      `insecureAcceptAnything (oci:${path("layout")} in ${path("local.json")})`,
    );
  });

  test("refuses everything where there is no policy, or a broken one", async () => {
    writeFileSync(path("broken.json"), '{"default":[{"type":"insecureAcceptAnything"}],"x":1}');
    for (const policyFile of [path("absent.json"), path("broken.json")]) {
      for (const image of [`${registry.host}/signed/zstd:1`, `oci:${shapes.layout.dir}:oci`]) {
        expect((await failure(open(image, { policyFile }))).kind).toBe("tool");
      }
    }
  });

  test("readPolicy() finds the user's policy before the system's", () => {
    const home = process.env.HOME;
    mkdirSync(path("home/.config/containers"), { recursive: true });
    const file = path("home/.config/containers/policy.json");
    writeFileSync(file, JSON.stringify({ default: reject }));
    process.env.HOME = path("home");
    expect(readPolicy()).toEqual({ file, policy: { default: reject, transports: {} } });
    process.env.HOME = path("elsewhere");
    expect(readPolicy()?.file).toBe("/etc/containers/policy.json");
    process.env.HOME = home;
  });
});
