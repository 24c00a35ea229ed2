import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { digestOf, parseDigest } from "../../lib/image/digest.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { listTags } from "../../lib/registry/list_tags.ts";
import { resolveDigest } from "../../lib/registry/resolve.ts";
import type { Descriptor } from "../lab/images/layout.ts";
import { type FakeRegistry, fakeRegistry } from "./_fake_registry.ts";
import { canServe, push, type RealRegistry, startRegistry } from "./_real_registry.ts";
import {
  canFetch,
  commands,
  failure,
  open,
  openWhole,
  options,
  run,
  type Shapes,
  workshop,
  writeShapes,
} from "./_workshop.ts";

const { path } = workshop();

/** A registry whose tag "x" names one image after the other, over and over. */
function restless({ layout, tags }: Shapes, order: () => readonly Descriptor[]): FakeRegistry {
  let count = 0;
  const moving = {
    ...tags,
    get x(): Descriptor {
      const moves = order();
      const next = moves[count++ % moves.length];
      if (next === undefined) throw new Error("nothing to serve");
      return next;
    },
  };
  return fakeRegistry(layout, moving);
}

test.skipIf(!canFetch)(
  "openImage() has one image whole, of a tag that moves all the time",
  async () => {
    const shapes = await writeShapes(path("moving"));
    const { oci, zstd } = shapes.tags;
    if (oci === undefined || zstd === undefined) throw new Error("no images");
    const registry = restless(shapes, () => [oci, zstd]);
    try {
      const { found } = await openWhole(`${registry.host}/a/b:x`);
      expect([oci.digest, zstd.digest]).toContain(String(found.manifestDigest));
      expect(found.digest).toBe(found.manifestDigest);
      const tagged = registry.asked.filter((asked) => asked.endsWith("/manifests/x"));
      expect(tagged.length).toBeGreaterThan(1);
    } finally {
      registry.stop();
    }
  },
);

test.skipIf(!canFetch || Bun.which("gpg") === null)(
  "openImage() never takes an unsigned image for the signed one that its tag named a moment ago",
  async () => {
    const shapes = await writeShapes(path("swapped"));
    const { oci: signed, zstd: unsigned } = shapes.tags;
    if (signed === undefined || unsigned === undefined) throw new Error("no images");
    let moves: readonly Descriptor[] = [];
    const registry = restless(shapes, () => moves);
    const image = `${registry.host}/a/b:x`;
    const env = { GNUPGHOME: path("gnupg") };
    const gpg = (...words: readonly string[]) => run(["gpg", "--batch", "-q", ...words], { env });
    try {
      for (const dir of [env.GNUPGHOME, path("registries.d")]) mkdirSync(dir, { mode: 0o700 });
      await gpg("--passphrase=", "--quick-generate-key", "us@example.com", "rsa2048", "sign");
      await gpg(`--output=${path("us.gpg")}`, "--export", "us@example.com");
      const folder = path(`lookaside/a/b@${signed.digest.replace(":", "=")}`);
      mkdirSync(folder, { recursive: true });
      const sign = ["skopeo", "standalone-sign", `--output=${folder}/signature-1`];
      const manifest = shapes.layout.blobPath(signed.digest);
      await run([...sign, manifest, image, "us@example.com"], { env });
      const lookaside = `file://${path("lookaside")}`;
      writeFileSync(path("registries.d/x.yaml"), `default-docker:\n  lookaside: ${lookaside}\n`);
      const demands = [{ type: "signedBy", keyType: "GPGKeys", keyPath: path("us.gpg") }];
      writeFileSync(path("policy.json"), JSON.stringify({ default: demands }));
      const policy = { policyFile: path("policy.json"), registriesDir: path("registries.d") };
      const outcome = async (...next: readonly Descriptor[]) => {
        moves = next;
        try {
          return String((await openWhole(image, policy)).found.manifestDigest);
        } catch (error) {
          return (error as Error).message;
        }
      };
      expect(await outcome(signed)).toBe(signed.digest);
      const refusals = [
        `Cannot use image "${image}": the policy refuses it`,
        `Cannot use image "${image}": it changed while it was read`,
      ];
      expect(refusals).toContain(await outcome(unsigned));
      // Who of several asks first is a matter of luck.
      for (let round = 0; round < 12; round++) {
        const next = [signed, unsigned, ...(round % 2 === 0 ? [] : [unsigned])];
        expect([signed.digest, ...refusals]).toContain(await outcome(...next));
      }
    } finally {
      await run(["gpgconf", "--kill", "all"], { env });
      registry.stop();
    }
  },
);

describe.skipIf(!canServe)("openImage() of a registry", () => {
  let registry: RealRegistry;
  let shapes: Shapes;
  let repository = "";

  beforeAll(async () => {
    shapes = await writeShapes(path("layout"));
    registry = await startRegistry(path("registry"));
    repository = `${registry.host}/a/b`;
    for (const name of ["oci", "index", "zstd"]) {
      await push(`oci:${shapes.layout.dir}:${name}`, `${repository}:${name}`);
    }
    for (const name of ["oci", "index"]) {
      await push(`oci:${shapes.layout.dir}:${name}`, `${repository}:docker-${name}`, [
        "--format=v2s2",
      ]);
    }
  });
  afterAll(async () => await registry?.stop());

  test("has manifest, configuration, documents and layers of every kind of image", async () => {
    const rows: readonly (readonly [string, string, number, string])[] = [
      ["oci", "oci", 1, "gzip"],
      ["index", "oci", 2, "gzip"],
      ["zstd", "zstd", 1, "zstd"],
      ["docker-oci", "oci", 1, "gzip"],
      ["docker-index", "oci", 2, "gzip"],
    ];
    for (const [tag, program, documents, compression] of rows) {
      const opened = await openWhole(`${repository}:${tag}`);
      const { found } = opened;
      expect([tag, found.config.cmd, found.manifest.layers[0]?.compression]).toEqual([
        tag,
        [`/bin/${program}`],
        compression,
      ]);
      expect(opened.documents.map(({ digest }) => digest)).toEqual(
        documents === 2 ? [found.digest, found.manifestDigest] : [found.digest],
      );
      expect(found.manifest.format).toBe(tag.startsWith("docker-") ? "docker" : "oci");
      expect(digestOf(found.configText)).toBe(found.manifest.config.digest);
      const { [tag]: descriptor } = shapes.tags;
      if (descriptor !== undefined) expect(String(found.digest)).toBe(descriptor.digest);
    }
  });

  test("starts two programs, and a third for Docker's manifest in a list", async () => {
    const count = async (tag: string) => {
      commands.length = 0;
      await openWhole(`${repository}:${tag}`);
      return commands.length;
    };
    expect([
      await count("oci"),
      await count("index"),
      await count("docker-oci"),
      await count("docker-index"),
    ]).toEqual([2, 2, 2, 3]);
  });

  test("takes the image that a digest names, whatever the tag says", async () => {
    const digest = shapes.tags.index?.digest ?? "";
    const { found } = await openWhole(`${repository}:zstd@${digest}`);
    expect([String(found.digest), found.config.cmd]).toEqual([digest, ["/bin/oci"]]);
  });

  test("says of an image for another platform which ones there are", async () => {
    const platform = { os: "linux", architecture: "s390x" };
    expect(await failure(open(`${repository}:index`, { platform }))).toEqual({
      kind: "usage",
      message: `Cannot use image "${repository}:index" on linux/s390x: it is for linux/amd64, linux/arm64`,
      cause: "",
      hint: "choose a tag or a digest that is built for linux/s390x",
    });
  });

  test("tells of an unknown tag as it always did", async () => {
    const { kind, message, hint } = await failure(open(`${repository}:nope`));
    expect([kind, message, hint]).toEqual([
      "tool",
      `Cannot read image "${repository}:nope": skopeo failed`,
      `see which tags there are: skopeo list-tags docker://${repository}`,
    ]);
  });

  test("tells of a layer that the registry lacks", async () => {
    await using opened = await open(`${repository}:oci`);
    const digest = parseDigest(`sha256:${"0".repeat(64)}`);
    const { kind, message } = await failure(opened.blobs.open({ digest, sizeBytes: 10 }, 0));
    expect([kind, message]).toEqual([
      "tool",
      `Cannot fetch image "${repository}:oci": skopeo failed`,
    ]);
  });

  test("resolveDigest() asks once for what a tag names, and never for a digest", async () => {
    commands.length = 0;
    const index = shapes.tags.index?.digest ?? "";
    const resolve = (text: string) => resolveDigest(run, parseImageRef(text), options);
    expect(String(await resolve(`${repository}:index`))).toBe(index);
    expect(String(await resolve(`${repository}@${index}`))).toBe(index);
    expect(commands).toHaveLength(1);
    expect((await failure(resolve(`${repository}:nope`))).kind).toBe("tool");
  });

  test("listTags() has all tags, numbers by their value", async () => {
    for (const tag of ["v1.10", "v1.9", "v2"]) {
      await push(`oci:${shapes.layout.dir}:zstd`, `${registry.host}/tags:${tag}`);
    }
    const list = (name: string) =>
      listTags(run, { registry: registry.host, repository: name }, options);
    expect(await list("tags")).toEqual(["v1.9", "v1.10", "v2"]);
    expect(await failure(list("nothing/here"))).toMatchObject({
      kind: "tool",
      message: `Cannot read image "${registry.host}/nothing/here": skopeo failed`,
    });
  });
});
