import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { fetchImage } from "../../lib/image/fetch_image.ts";
import type { FetchProgress } from "../../lib/image/fetch_progress.ts";
import { inspectImage } from "../../lib/image/inspect_image.ts";
import { blobPath, type ImageLayout } from "../../lib/image/layout.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { damaged } from "../../lib/image/skopeo_errors.ts";
import { type Descriptor, type ImageOptions, Layout } from "../lab/images/layout.ts";
import type { TarEntry } from "../lab/images/tar.ts";
import { type FakeRegistry, fakeRegistry } from "./_fake_registry.ts";
import { canFetch, failure, fetchRef, options, run, workshop } from "./_workshop.ts";

const { path } = workshop();
const noise = Uint8Array.from({ length: 50_000 }, (_, at) => (at * at * 31) >> 7);
const layers: readonly (readonly TarEntry[])[] = [
  [{ path: "one", content: noise }],
  [{ path: "two", content: "2" }],
  [{ path: "one", content: noise }],
];

describe.skipIf(!canFetch)("fetchImage()", () => {
  let layout: Layout;
  let image: Descriptor;
  let registry: FakeRegistry;
  const tags: Record<string, Descriptor> = {};

  beforeAll(async () => {
    layout = await Layout.create(path("layout"));
    const add = async (name: string, more: Partial<ImageOptions> = {}) => {
      const platform = { os: "linux", architecture: "amd64" };
      const descriptor = await layout.addImage({
        layers,
        config: {},
        platform,
        ...more,
      });
      await layout.tag(name, descriptor);
      tags[name] = descriptor;
      return descriptor;
    };
    image = await add("gzip");
    await add("docker", { mediaTypes: "docker" });
    await add("plain", { compression: "none" });
    await add("zstd", { compression: "zstd" });
    await add("empty", { layers: [] });
    registry = fakeRegistry(layout, tags);
  });
  afterAll(() => registry.stop());

  test("fetches the same layers from every kind of source", async () => {
    const archive = `docker-archive:${path("docker.tar")}`;
    await run(["skopeo", "copy", `oci:${layout.dir}:gzip`, `${archive}:a/b:c`]);
    await run(["skopeo", "copy", `oci:${layout.dir}:gzip`, `oci-archive:${path("oci.tar")}`]);
    await run(["skopeo", "copy", `oci:${layout.dir}:gzip`, `dir:${path("dir")}`]);
    const { config } = await inspectImage(run, parseImageRef(`oci:${layout.dir}:gzip`), options);
    const rows: readonly (readonly [source: string, compression: string])[] = [
      [`oci:${layout.dir}:gzip`, "gzip"],
      [`oci:${layout.dir}:plain`, "none"],
      [`oci:${layout.dir}:zstd`, "none"],
      [`oci-archive:${path("oci.tar")}`, "gzip"],
      [archive, "none"],
      [`${archive}:docker.io/a/b:c`, "none"],
      [`dir:${path("dir")}`, "gzip"],
      [`${registry.host}/a/b:gzip`, "gzip"],
      [`${registry.host}/a/b:docker`, "gzip"],
      [`${registry.host}/a/b:zstd`, "none"],
      [`${registry.host}/a/b:gzip@${image.digest}`, "gzip"],
    ];
    for (const [source, compression] of rows) {
      const fetched = await fetchRef(source, path("out*"));
      expect([source, fetched.diffIds]).toEqual([source, config.diffIds]);
      expect(fetched.manifest.format).toBe("oci");
      expect([source, ...fetched.manifest.layers.map((layer) => layer.compression)]).toEqual([
        source,
        ...layers.map(() => compression),
      ]);
      await expectBlobs(fetched);
    }
  });

  test("fetches an image without layers", async () => {
    const fetched = await fetchRef(`oci:${layout.dir}:empty`, path("out*"));
    expect(fetched.manifest.layers).toEqual([]);
  });

  test("takes a folder whose path has a colon", async () => {
    await run(["mkdir", path("a:b c")]);
    await expectBlobs(await fetchRef(`oci:${layout.dir}:zstd`, path("a:b c/layout")));
  });

  test("stays with the image that was found when its tag moves", async () => {
    const found = await inspectImage(run, parseImageRef(`${registry.host}/a/b:gzip`), options);
    const { gzip, empty } = tags;
    if (gzip === undefined || empty === undefined) throw new Error("no images");
    tags.gzip = empty;
    const fetched = await fetchImage(run, found, path("out*"), options);
    tags.gzip = gzip;
    expect(fetched.manifest.layers).toHaveLength(3);
  });

  test("fetches a shared blob once", async () => {
    const blobsDir = path("shared");
    const ref = `${registry.host}/a/b:gzip`;
    await expectBlobs(await fetchRef(ref, path("out*"), { blobsDir }));
    registry.asked.length = 0;
    const again = await fetchRef(ref, path("out*"), { blobsDir });
    await expectBlobs(again);
    const asked = again.manifest.layers.filter((layer) =>
      registry.asked.some((pathname) => pathname.endsWith(layer.digest)),
    );
    expect(asked).toEqual([]);
  });

  test("tells its progress from nothing to everything", async () => {
    for (const name of ["gzip", "zstd"]) {
      const told: FetchProgress[] = [];
      const fetched = await fetchRef(`${registry.host}/a/b:${name}`, path("out*"), {
        onProgress: (progress) => told.push(progress),
      });
      const totalBytes = told[0]?.totalBytes ?? 0;
      expect(told[0]?.layers.map((layer) => [layer.state, layer.doneBytes])).toEqual([
        ["waiting", 0],
        ["waiting", 0],
      ]);
      expect(told.at(-1)?.layers.map((layer) => layer.state)).toEqual(["done", "done"]);
      expect(told.at(-1)?.doneBytes).toBe(totalBytes);
      expect(fetched.diffIds).toHaveLength(3);
    }
  });

  test("tells of damaged layers", async () => {
    for (const fault of ["truncated-blob", "wrong-blob"] as const) {
      registry.fault = fault;
      const { kind, message, hint } = await failure(
        fetchRef(`${registry.host}/a/b:gzip`, path("out*")),
      );
      registry.fault = "none";
      expect([fault, kind, message, hint]).toEqual([
        fault,
        "tool",
        `Cannot fetch image "${registry.host}/a/b:gzip": skopeo failed`,
        damaged,
      ]);
    }
  });

  test("ends when it is interrupted", async () => {
    registry.fault = "endless-blob";
    const controller = new AbortController();
    const states: string[] = [];
    const action = fetchRef(`${registry.host}/a/b:gzip`, path("out*"), {
      signal: controller.signal,
      onProgress(progress) {
        states.push(...progress.layers.map((layer) => layer.state));
        if (states.includes("fetching")) controller.abort();
      },
    });
    const { kind } = await failure(action);
    registry.fault = "none";
    expect([kind, states.at(-1)]).toEqual(["interrupted", "fetching"]);
  });

  test("leaves nothing but the layout", async () => {
    const fetched = await fetchRef(`oci:${layout.dir}:zstd`, path("out*"));
    expect((await readdir(fetched.dir)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  });
});

/** Every layer is there, with the size that the manifest says. */
async function expectBlobs({ blobsDir, manifest }: ImageLayout): Promise<void> {
  const sizes = manifest.layers.map((layer) => Bun.file(blobPath(blobsDir, layer.digest)).size);
  expect(sizes).toEqual(manifest.layers.map((layer) => layer.sizeBytes));
}
