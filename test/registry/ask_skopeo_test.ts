import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { digestOf } from "../../lib/image/digest.ts";
import { damaged } from "../../lib/image/found_image.ts";
import { type Descriptor, Layout } from "../lab/images/layout.ts";
import { type FakeRegistry, fakeRegistry } from "./_fake_registry.ts";
import { canFetch, failure, open, run, workshop } from "./_workshop.ts";

const { path } = workshop();
/** What is found out without a layer being asked for. */
const inspect = async (text: string, more = {}) => {
  await using opened = await open(text, more);
  return opened.found;
};

describe.skipIf(!canFetch)("openImage()", () => {
  let layout: Layout;
  let amd: Descriptor;
  let arm: Descriptor;
  let index: Descriptor;
  let registry: FakeRegistry;

  beforeAll(async () => {
    layout = await Layout.create(path("layout"));
    const add = (architecture: string, mediaTypes: "oci" | "docker" = "oci") =>
      layout.addImage({
        layers: [[{ path: "hello", content: architecture }]],
        config: { config: { Cmd: [`/bin/${architecture}`] } },
        platform: { os: "linux", architecture },
        mediaTypes,
      });
    amd = await add("amd64");
    arm = await add("arm64");
    const docker = await add("amd64", "docker");
    index = await layout.addIndex([arm, amd]);
    const nested = await layout.addIndex([
      { ...index, platform: { os: "linux", architecture: "amd64" } },
    ]);
    const list = await layout.addIndex([arm, docker].map(withPlatform), "docker");
    const foreign = await layout.addIndex([arm]);
    const uncounted = await layout.addBlob(amd.mediaType, {
      ...(await Bun.file(layout.blobPath(amd.digest)).json()),
      layers: [],
    });
    for (const [name, blob] of Object.entries({
      amd,
      arm,
      index,
      nested,
      list,
      foreign,
      uncounted,
      docker,
    })) {
      await layout.tag(name, blob);
    }
    registry = fakeRegistry(layout, { amd, arm, index, list, docker });
  });
  afterAll(() => registry.stop());

  test("finds the image that a layout's name stands for", async () => {
    const found = await inspect(`oci:${layout.dir}:amd`);
    expect([found.digest, found.manifestDigest].map(String)).toEqual([amd.digest, amd.digest]);
    expect(found.config.cmd).toEqual(["/bin/amd64"]);
    expect(found.manifest.layers).toHaveLength(1);
    expect(digestOf(found.configText)).toBe(found.manifest.config.digest);
  });

  test("follows an index to the platform, wherever the image is", async () => {
    await run([
      "skopeo",
      "copy",
      "--all",
      `oci:${layout.dir}:index`,
      `oci-archive:${path("index.tar")}`,
    ]);
    await run(["skopeo", "copy", "--all", `oci:${layout.dir}:index`, `dir:${path("index")}`]);
    const sources = [
      `oci:${layout.dir}:index`,
      `oci-archive:${path("index.tar")}`,
      `dir:${path("index")}`,
      `${registry.host}/a/b:index`,
    ];
    for (const source of sources) {
      const found = await inspect(source);
      expect([source, found.digest, found.manifestDigest, found.config.cmd]).toEqual<unknown[]>([
        source,
        index.digest,
        amd.digest,
        ["/bin/amd64"],
      ]);
    }
    const other = await inspect(`${registry.host}/a/b:index`, {
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
    });
    expect(String(other.manifestDigest)).toBe(arm.digest);
  });

  test("reads Docker's manifest lists, and an index in an index", async () => {
    expect((await inspect(`${registry.host}/a/b:list`)).manifest.format).toBe("docker");
    expect(String((await inspect(`oci:${layout.dir}:nested`)).manifestDigest)).toBe(amd.digest);
  });

  test("takes the digest beside a tag", async () => {
    const found = await inspect(`${registry.host}/a/b:arm@${index.digest}`);
    expect([found.digest, found.manifestDigest].map(String)).toEqual([index.digest, amd.digest]);
  });

  test("asks the registry for no layer", async () => {
    registry.asked.length = 0;
    const found = await inspect(`${registry.host}/a/b:index`);
    const blobs = registry.asked.filter((asked) => asked.includes("/blobs/"));
    expect(blobs).toEqual([`/v2/a/b/blobs/${found.manifest.config.digest}`]);
  });

  test("names the architectures of an image that does not fit", async () => {
    expect(await failure(inspect(`oci:${layout.dir}:foreign`))).toEqual({
      kind: "usage",
      message: `Cannot use image "oci:${layout.dir}:foreign" on linux/amd64: it is for linux/arm64`,
      cause: "",
      hint: "choose a tag or a digest that is built for linux/amd64",
    });
    expect((await failure(inspect(`${registry.host}/a/b:arm`))).message).toBe(
      `Cannot use image "${registry.host}/a/b:arm" on linux/amd64: it is for linux/arm64`,
    );
  });

  test("refuses a configuration that does not fit the manifest", async () => {
    expect((await failure(inspect(`oci:${layout.dir}:uncounted`))).message).toBe(
      `Cannot use image "oci:${layout.dir}:uncounted": its configuration tells of 1 layers, its manifest of 0`,
    );
  });

  test("compares the manifest with the digest of the reference", async () => {
    // skopeo 1.9.3 and 1.18 do not when they only inspect; 1.22 does.
    registry.fault = "wrong-manifest";
    const { kind, hint } = await failure(inspect(`${registry.host}/a/b@${amd.digest}`));
    registry.fault = "none";
    expect([["usage", "tool"].includes(kind), hint]).toEqual([true, damaged]);
  });

  test("tells of an unknown tag", async () => {
    expect(await failure(inspect(`${registry.host}/a/b:nope`))).toEqual({
      kind: "tool",
      message: `Cannot read image "${registry.host}/a/b:nope": skopeo failed`,
      cause: `Error parsing image name "docker://${registry.host}/a/b:nope": reading manifest nope in ${registry.host}/a/b: manifest unknown: manifest_unknown`,
      hint: `see which tags there are: skopeo list-tags docker://${registry.host}/a/b`,
    });
  });

  test("tells of a wrong password and does not repeat it", async () => {
    registry.fault = "needs-login";
    const authFile = path("auth.json");
    await Bun.write(
      authFile,
      JSON.stringify({
        auths: { [registry.host]: { auth: btoa("me:secret") } },
      }),
    );
    const { message, cause, hint } = await failure(
      inspect(`${registry.host}/a/b:amd`, { authFile }),
    );
    registry.fault = "none";
    expect([message, cause].join()).not.toContain("secret");
    expect(hint).toBe(`check the name, or log in: skopeo login ${registry.host}`);
  });

  test("wants TLS of a registry unless it is told otherwise", async () => {
    const { kind, hint } = await failure(inspect(`${registry.host}/a/b:amd`, { tlsVerify: true }));
    expect([kind, hint]).toEqual([
      "tool",
      "the registry speaks plain HTTP: add --tls-verify=false",
    ]);
  });
});

function withPlatform(descriptor: Descriptor): Descriptor {
  return {
    ...descriptor,
    platform: descriptor.platform ?? { os: "linux", architecture: "amd64" },
  };
}
