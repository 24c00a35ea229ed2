import { beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { damaged } from "../../lib/image/found_image.ts";
import type { LayerDescriptor } from "../../lib/image/manifest.ts";
import { formatImageRef } from "../../lib/image/reference.ts";
import { listTarMembers } from "../../lib/registry/tar_members.ts";
import type { Layout } from "../lab/images/layout.ts";
import {
  canFetch,
  commands,
  failure,
  open,
  openWhole,
  run,
  type Shapes,
  workshop,
  writeShapes,
} from "./_workshop.ts";

const { path } = workshop();
let shapes: Shapes;
let layout: Layout;

beforeAll(async () => {
  shapes = await writeShapes(path("layout"));
  ({ layout } = shapes);
  // As `skopeo copy` of one platform leaves it: indexes name manifests that are not there.
  rmSync(layout.blobPath(shapes.tags.ociArm?.digest ?? ""));
});

/** A copy of the layout, to be spoilt. */
function copied(): { dir: string; blob: (digest: string) => string } {
  const dir = path("copy*");
  cpSync(layout.dir, dir, { recursive: true });
  return { dir, blob: (digest) => join(dir, "blobs", digest.replace(":", "/")) };
}

describe("openImage() of a layout", () => {
  const rows: readonly (readonly [tag: string, program: string, documents: number])[] = [
    ["oci", "oci", 1],
    ["schema2", "schema2", 1],
    ["index", "oci", 2],
    ["list", "schema2", 2],
    ["mixed", "schema2", 2],
    ["nested", "oci", 3],
    ["zstd", "zstd", 1],
    ["plain", "plain", 1],
  ];

  test("opens OCI's and Docker's images, alone, in an index, and where the index is sparse", async () => {
    commands.length = 0;
    for (const [tag, program, documents] of rows) {
      const opened = await openWhole(`oci:${layout.dir}:${tag}`);
      expect([tag, String(opened.found.digest), opened.found.config.cmd]).toEqual<unknown[]>([
        tag,
        shapes.tags[tag]?.digest,
        [`/bin/${program}`],
      ]);
      expect(opened.documents).toHaveLength(documents);
    }
    expect(commands).toEqual([]);
  });

  test("opens the same in an archive, whoever made it", async () => {
    for (const format of ["ustar", "gnu", "posix"]) {
      const file = path("archive*.tar");
      await run(["tar", "-C", layout.dir, `--format=${format}`, "-cf", file, "."]);
      for (const [tag, program] of rows) {
        const { found } = await openWhole(`oci-archive:${file}:${tag}`);
        expect([format, tag, String(found.digest), found.config.cmd]).toEqual<unknown[]>([
          format,
          tag,
          shapes.tags[tag]?.digest,
          [`/bin/${program}`],
        ]);
      }
    }
  });

  test.skipIf(!canFetch)(
    "opens what skopeo writes: archives, compressed ones, folders",
    async () => {
      const copy = (target: string, ...flags: string[]) =>
        run(["skopeo", "copy", "--quiet", ...flags, `oci:${layout.dir}:oci`, target]);
      await copy(`oci-archive:${path("oci.tar")}:some/name:tag`);
      await copy(`docker-archive:${path("docker.tar")}:some/name:tag`);
      await copy(`dir:${path("dir")}`);
      await run(["gzip", "-k", path("oci.tar")]);
      await run(["gzip", "-k", path("docker.tar")]);
      await run(["zstd", "-q", path("docker.tar")]);
      mkdirSync(path("tmp"));
      const digest = shapes.tags.oci?.digest;
      const sources: readonly (readonly [string, string | undefined, string])[] = [
        [`oci-archive:${path("oci.tar")}`, digest, "gzip"],
        [`oci-archive:${path("oci.tar")}:some/name:tag`, digest, "gzip"],
        [`oci-archive:${path("oci.tar.gz")}`, digest, "gzip"],
        [`dir:${path("dir")}`, digest, "gzip"],
        [`docker-archive:${path("docker.tar")}`, undefined, "none"],
        [`docker-archive:${path("docker.tar")}:docker.io/some/name:tag`, undefined, "none"],
        [`docker-archive:${path("docker.tar.gz")}`, undefined, "none"],
        [`docker-archive:${path("docker.tar.zst")}`, undefined, "none"],
      ];
      for (const [source, expected, compression] of sources) {
        const { found } = await openWhole(source, { tempDir: path("tmp") });
        expect([formatImageRef(found.ref), found.config.cmd]).toEqual<unknown[]>([
          source,
          ["/bin/oci"],
        ]);
        expect(readdirSync(path("tmp"))).toEqual([]);
        if (expected !== undefined) expect(String(found.digest)).toBe(expected);
        expect(found.manifest.layers.map((layer) => layer.compression)).toEqual([
          ...Array<"gzip" | "none">(3).fill(compression as "gzip" | "none"),
        ]);
      }
    },
  );

  test("begins a blob where it is told to", async () => {
    const file = path("resume.tar");
    await run(["tar", "-C", layout.dir, "-cf", file, "."]);
    for (const source of [`oci:${layout.dir}:oci`, `oci-archive:${file}:oci`]) {
      await using opened = await open(source);
      const [layer] = opened.found.manifest.layers;
      const whole = readFileSync(layout.blobPath(layer?.digest ?? ""));
      const { offset, chunks } = await opened.blobs.open(layer as LayerDescriptor, 1000);
      const rest = Buffer.concat(await Array.fromAsync(chunks));
      expect([offset, rest.equals(whole.subarray(1000))]).toEqual([1000, true]);
    }
  });

  test("stops in the middle of a blob when it is told to", async () => {
    await using opened = await open(`oci:${layout.dir}:oci`);
    const stop = new AbortController();
    const [layer] = opened.found.manifest.layers;
    const { chunks } = await opened.blobs.open(layer as LayerDescriptor, 0, stop.signal);
    stop.abort(new MbctlError("tool", "enough"));
    expect((await failure(Array.fromAsync(chunks))).message).toBe("enough");
  });
});

describe("openImage() refuses", () => {
  const use = (image: string, state: string) => `Cannot use image "${image}": ${state}`;

  test("a path that is not there, and one that is no image", async () => {
    mkdirSync(path("empty"));
    writeFileSync(path("file"), "x".repeat(600));
    const none = "there is no such file or folder";
    for (const [image, state] of [
      [`oci:${path("none")}`, none],
      [`oci:${path("file")}`, "it is no folder"],
      [`dir:${path("none")}`, none],
      [`oci-archive:${path("empty")}`, "it is no plain file"],
    ] as const) {
      expect(await failure(open(image))).toMatchObject({
        kind: "usage",
        message: `Cannot read image "${image}": ${state}`,
        hint: "check the path",
      });
    }
    expect((await failure(open(`oci:${path("empty")}`))).message).toBe(
      use(`oci:${path("empty")}`, "index.json is not in it"),
    );
  });

  test("to guess which of several images is meant", async () => {
    const names = "oci, ociArm, schema2, index, list";
    expect(await failure(open(`oci:${layout.dir}`))).toEqual({
      kind: "usage",
      message: use(`oci:${layout.dir}`, "there are several in it"),
      cause: "",
      hint: `name the image in it: ${names}`,
    });
    expect((await failure(open(`oci:${layout.dir}:nope`))).message).toBe(
      use(`oci:${layout.dir}:nope`, "there is none of that name in it"),
    );
  });

  test("documents and layers that are gone, changed, or cut", async () => {
    const digest = shapes.tags.oci?.digest ?? "";
    const image = (dir: string) => `oci:${dir}:oci`;
    const gone = copied();
    rmSync(gone.blob(digest));
    expect(await failure(open(image(gone.dir)))).toMatchObject({
      message: use(image(gone.dir), `blobs/${digest.replace(":", "/")} is not in it`),
      hint: damaged,
    });
    const changed = copied();
    writeFileSync(changed.blob(digest), `${readFileSync(changed.blob(digest), "utf8")} `);
    expect((await failure(open(image(changed.dir)))).message).toMatch(
      /the digest of its manifest is sha256:.*, not sha256:/,
    );
    const cut = copied();
    await using opened = await open(image(cut.dir));
    const [layer] = opened.found.manifest.layers;
    truncateSync(cut.blob(layer?.digest ?? ""), 10);
    expect((await failure(opened.blobs.open(layer as LayerDescriptor, 0))).message).toBe(
      use(image(cut.dir), `the blob ${layer?.digest} has 10 bytes, not ${layer?.sizeBytes}`),
    );
  });

  test("names that lead elsewhere: digests with dots, links, fifos", async () => {
    const dots = copied();
    const index = join(dots.dir, "index.json");
    writeFileSync(
      index,
      readFileSync(index, "utf8").replaceAll(
        /"sha256:[0-9a-f]{64}"/g,
        '"sha256:../../../etc/passwd"',
      ),
    );
    expect((await failure(open(`oci:${dots.dir}:oci`))).message).toBe(
      use(`oci:${dots.dir}:oci`, "its index.json is not that of an OCI layout"),
    );
    const digest = shapes.tags.oci?.digest ?? "";
    const linked = copied();
    renameSync(linked.blob(digest), path("elsewhere"));
    symlinkSync(path("elsewhere"), linked.blob(digest));
    expect((await failure(open(`oci:${linked.dir}:oci`))).message).toContain("is not in it");
    const fifo = copied();
    rmSync(fifo.blob(digest));
    await run(["mkfifo", fifo.blob(digest)]);
    expect((await failure(open(`oci:${fifo.dir}:oci`))).message).toContain("is not in it");
    await run(["mkfifo", path("fifo.tar")]);
    expect((await failure(open(`oci-archive:${path("fifo.tar")}`))).message).toEndWith(
      ": it is no plain file",
    );
  });

  test("an archive that is cut off", async () => {
    const file = path("cut.tar");
    await run(["tar", "-C", layout.dir, "-cf", file, "."]);
    truncateSync(file, 20_000);
    expect((await failure(open(`oci-archive:${file}:oci`))).message).toBe(
      `Cannot read image "oci-archive:${file}:oci": the archive is cut off`,
    );
  });
});

describe("listTarMembers()", () => {
  const list = async (...words: readonly string[]) => {
    const file = path("list*.tar");
    await run(["tar", "-C", path("tree"), ...words, "-cf", file, "."]);
    await using handle = await openFile(file);
    const members = await listTarMembers(handle);
    const bytes = readFileSync(file);
    return Object.fromEntries(
      [...(members ?? [])].map(([name, { offset, sizeBytes }]) => [
        name,
        bytes.toString("utf8", offset, offset + sizeBytes),
      ]),
    );
  };

  beforeAll(() => {
    mkdirSync(path("tree/sub"), { recursive: true });
    writeFileSync(path("tree/a"), "A");
    writeFileSync(path("tree/sub/é"), "B");
    writeFileSync(path(`tree/sub/${"long".repeat(50)}`), "C");
    symlinkSync("a", path("tree/link"));
  });

  test("finds plain files, with long names and foreign letters, and no links", async () => {
    const expected = { a: "A", "sub/é": "B", [`sub/${"long".repeat(50)}`]: "C" };
    expect(await list("--format=posix")).toEqual(expected);
    expect(await list("--format=gnu")).toEqual(expected);
    expect(await list("--format=posix", "--transform=s,^./,,")).toEqual(expected);
  });

  test("takes the last of two members of one name", async () => {
    const file = path("twice.tar");
    writeFileSync(path("tree/a"), "A");
    await run(["tar", "-C", path("tree"), "-cf", file, "a"]);
    writeFileSync(path("tree/a"), "later");
    await run(["tar", "-C", path("tree"), "-rf", file, "./a"]);
    await using handle = await openFile(file);
    expect((await listTarMembers(handle))?.get("a")?.sizeBytes).toBe(5);
    writeFileSync(path("tree/a"), "A");
    await run(["tar", "-C", path("tree"), "--transform=s,^link,a,", "-rf", file, "link"]);
    await using again = await openFile(file);
    expect((await listTarMembers(again))?.has("a")).toBe(false);
  });

  test("leaves a compressed archive to others", async () => {
    const file = path("packed.tar.gz");
    await run(["tar", "-C", path("tree"), "-czf", file, "."]);
    await using handle = await openFile(file);
    expect(await listTarMembers(handle)).toBeUndefined();
  });
});
