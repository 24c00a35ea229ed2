import { beforeAll, describe, expect, test } from "bun:test";
import { lstat, mkdir, readdir, readFile, readlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { blobPath } from "../../lib/image/layout.ts";
import { damaged } from "../../lib/image/skopeo_errors.ts";
import { umociApplier } from "../../lib/image/unpack.ts";
import { type ImageOptions, Layout } from "../lab/images/layout.ts";
import type { TarEntry } from "../lab/images/tar.ts";
import { canUnpack, failure, fetchRef, run, workshop } from "./_workshop.ts";

const { path } = workshop();
const platform = { os: "linux", architecture: "amd64" };
const applier = umociApplier(run);

/** cap_net_bind_service=ep, as linux/capability.h lays it out (version 2). */
const capability = Uint8Array.from([1, 0, 0, 2, 0, 4, ...new Array<number>(14).fill(0)]);

const base: readonly TarEntry[] = [
  { path: "./", type: "dir", mode: 0o700, uid: 5, gid: 5 },
  { path: "etc/", type: "dir" },
  { path: "etc/passwd", content: "root" },
  { path: "etc/hostname", content: "image" },
  { path: "bin/", type: "dir", mode: 0o1775, uid: 1, gid: 2 },
  { path: "bin/su", mode: 0o6755, uid: 7, gid: 8, content: "su" },
  { path: "bin/su2", type: "hardlink", linkTarget: "bin/su" },
  {
    path: "bin/ping",
    mode: 0o755,
    content: "ping",
    xattrs: { "security.capability": capability, "user.note": "é" },
  },
  { path: "run", type: "symlink", linkTarget: "/var/run", uid: 9, gid: 9 },
  { path: "null", type: "char", mode: 0o666, device: [1, 3] },
  { path: "loop", type: "block", device: [7, 5] },
  { path: "fifo", type: "fifo", mode: 0o600, uid: 4_000_000_000 },
];

async function unpack(name: string, layers: ImageOptions["layers"], target = path(`${name}/tree`)) {
  const layout = await Layout.create(path(`${name}/layout`));
  await layout.tag("x", await layout.addImage({ layers, config: {}, platform }));
  const fetched = await fetchRef(`oci:${layout.dir}:x`, path(`${name}/fetched`));
  await applier.apply(fetched, target);
  return target;
}

describe.skipIf(!canUnpack)("umociApplier()", () => {
  /** What stands beside the root trees must not change. */
  let outside: string;
  beforeAll(async () => {
    outside = path("outside");
    await Bun.write(join(outside, "sentinel"), "untouched");
  });

  test("keeps owners, modes, links, devices, times and attributes", async () => {
    const tree = await unpack("keep", [base]);
    const rows = await listing(tree);
    expect(rows).toEqual([
      "/ dir 755 0:0",
      "/bin dir 1775 1:2",
      "/bin/ping file 755 0:0",
      "/bin/su file 6755 7:8",
      "/bin/su2 file 6755 7:8",
      "/etc dir 755 0:0",
      "/etc/hostname file 644 0:0",
      "/etc/passwd file 644 0:0",
      "/fifo fifo 600 4000000000:0",
      "/loop block 644 0:0 7:5",
      "/null char 666 0:0 1:3",
      "/run symlink 9:9 -> /var/run",
    ]);
    const stat = await lstat(join(tree, "bin/su"));
    expect([stat.ino, stat.nlink, stat.mtimeMs]).toEqual([
      (await lstat(join(tree, "bin/su2"))).ino,
      2,
      1_704_067_200_000,
    ]);
    expect(await attributes(join(tree, "bin/ping"))).toEqual({
      "security.capability": String.fromCharCode(...capability),
      "user.note": "é",
    });
  });

  test("applies whiteouts, and the empty image", async () => {
    const upper: TarEntry[] = [
      { path: "etc/.wh.passwd" },
      { path: "bin/.wh..wh..opq" },
      { path: "bin/new", content: "" },
    ];
    const tree = await unpack("whiteout", [base, upper]);
    expect((await readdir(join(tree, "etc"))).sort()).toEqual(["hostname"]);
    expect(await readdir(join(tree, "bin"))).toEqual(["new"]);
    expect(await readdir(await unpack("empty", []))).toEqual([]);
  });

  test("fills an empty folder in place and refuses one that is not empty", async () => {
    const target = path("*");
    await mkdir(target);
    const { ino } = await lstat(target);
    await unpack("place", [base], target);
    expect((await lstat(target)).ino).toBe(ino);
    expect(await failure(unpack("again", [base], target))).toEqual({
      kind: "conflict",
      message: `Cannot unpack into ${JSON.stringify(target)}: it is not empty`,
      cause: "",
      hint: undefined,
    });
  });

  test("lets a whiteout of the parent folder delete nothing", async () => {
    const { kind, message, hint } = await failure(unpack("parent", [base, [{ path: ".wh..." }]]));
    expect([kind, message, hint]).toEqual([
      "tool",
      `Cannot unpack image "oci:${path("parent/layout")}:x" into "${path("parent/tree")}": umoci failed`,
      damaged,
    ]);
    expect((await readdir(path("parent"))).sort()).toEqual(["fetched", "layout", "tree"]);
    expect(await readFile(join(outside, "sentinel"), "utf8")).toBe("untouched");
  });

  /** Layers that try to write outside; umoci may refuse them or keep them inside. */
  const hostile: readonly (readonly [what: string, layers: ImageOptions["layers"]])[] = [
    ["an absolute link", [[link("out", "OUTSIDE"), file("out/sentinel")]]],
    ["an absolute link of a lower layer", [[link("out", "OUTSIDE")], [file("out/sentinel")]]],
    ["a relative link", [[link("out", "../../outside")], [file("out/sentinel")]]],
    ["a link to the file", [[link("f", "OUTSIDE/sentinel")], [file("f")]]],
    ["a whiteout behind a link", [[link("out", "OUTSIDE")], [{ path: "out/.wh.sentinel" }]]],
    ["an opaque marker behind a link", [[link("out", "OUTSIDE")], [{ path: "out/.wh..wh..opq" }]]],
    ["a path that climbs", [[file("../outside/sentinel"), file("a/../../outside/sentinel")]]],
    ["an absolute path", [[file("OUTSIDE/sentinel")]]],
    ["a hard link to a file outside", [[hard("h", "OUTSIDE/sentinel")], [file("h")]]],
    ["a hard link that climbs", [[hard("h", "../outside/sentinel")], [file("h")]]],
    [
      "a hard link through a link",
      [[link("out", "OUTSIDE"), hard("h", "out/sentinel")], [file("h")]],
    ],
    ["the root as a link", [[link("./", "OUTSIDE"), file("sentinel")]]],
    [
      "a folder in place of a link",
      [[link("out", "OUTSIDE")], [{ path: "out/", type: "dir", mode: 0o777, uid: 9 }]],
    ],
    ["a whiteout with a path", [[{ path: "a/.wh..." }], [{ path: ".wh.." }], [{ path: ".wh." }]]],
  ];

  test.each(hostile.map(([what], place) => [what, place] as const))(
    "keeps %s inside",
    async (_, place) => {
      const layers = (hostile[place]?.[1] ?? []).map((layer) =>
        (layer as readonly TarEntry[]).map((entry) => ({
          ...entry,
          path: entry.path.replace("OUTSIDE", outside),
          ...(entry.linkTarget === undefined
            ? {}
            : { linkTarget: entry.linkTarget.replace("OUTSIDE", outside) }),
        })),
      );
      const before = await listing(outside);
      try {
        await unpack(`hostile${place}`, [base, ...layers]);
      } catch (error) {
        expect(String(error)).toMatch(/^MbctlError: Cannot unpack image .*: umoci failed$/);
      }
      expect(await listing(outside)).toEqual(before);
      expect(await readFile(join(outside, "sentinel"), "utf8")).toBe("untouched");
      expect((await lstat(join(outside, "sentinel"))).nlink).toBe(1);
    },
  );

  test("tells of a layer that was damaged after it was fetched", async () => {
    const layout = await Layout.create(path("damage/layout"));
    await layout.tag("x", await layout.addImage({ layers: [base], config: {}, platform }));
    const fetched = await fetchRef(`oci:${layout.dir}:x`, path("damage/fetched"));
    const layer = fetched.manifest.layers[0];
    if (layer === undefined) throw new Error("no layer");
    await truncate(blobPath(fetched.blobsDir, layer.digest), layer.sizeBytes - 9);
    const { kind, hint } = await failure(applier.apply(fetched, path("damage/tree")));
    expect([kind, hint]).toEqual(["tool", damaged]);
  });

  test("tells of a layer that is not what the configuration says", async () => {
    const layout = await Layout.create(path("lie/layout"));
    const image = await layout.addImage({
      layers: [base],
      config: {},
      platform,
    });
    const manifest = await Bun.file(layout.blobPath(image.digest)).json();
    const config = await Bun.file(layout.blobPath(manifest.config.digest)).json();
    config.rootfs.diff_ids = [`sha256:${"0".repeat(64)}`];
    manifest.config = await layout.addBlob(manifest.config.mediaType, config);
    await layout.tag("x", await layout.addBlob(image.mediaType, manifest));
    const fetched = await fetchRef(`oci:${layout.dir}:x`, path("lie/fetched"));
    const { kind, hint } = await failure(applier.apply(fetched, path("lie/tree")));
    expect([kind, hint]).toEqual(["tool", damaged]);
  });

  test("tells of a full disk", async () => {
    const small = path("small");
    await mkdir(small);
    await run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small]);
    try {
      const big: TarEntry[] = [{ path: "big", content: new Uint8Array(1_000_000) }];
      const { kind, hint } = await failure(unpack("full", [big], join(small, "tree")));
      expect([kind, hint]).toEqual([
        "tool",
        "make room on that file system, for instance: mbctl cache clear",
      ]);
    } finally {
      await run(["umount", small]);
    }
  });

  test("leaves no mount behind", async () => {
    const mounts = await readFile("/proc/self/mountinfo", "utf8");
    expect(mounts.split("\n").filter((line) => line.includes(path("")))).toEqual([]);
  });
});

function link(name: string, linkTarget: string): TarEntry {
  return { path: name, type: "symlink", linkTarget };
}

function hard(name: string, linkTarget: string): TarEntry {
  return { path: name, type: "hardlink", linkTarget };
}

function file(name: string): TarEntry {
  return { path: name, content: "hostile", mode: 0o777, uid: 9 };
}

/** A tree as text: name, type, mode, owner, and what the type has of its own. */
async function listing(root: string, below = ""): Promise<string[]> {
  const full = join(root, below);
  const stat = await lstat(full);
  const owner = `${stat.uid}:${stat.gid}`;
  const mode = (stat.mode & 0o7777).toString(8);
  const name = below || "/";
  const device = `${stat.rdev >> 8}:${stat.rdev & 0xff}`;
  if (stat.isSymbolicLink()) return [`${name} symlink ${owner} -> ${await readlink(full)}`];
  if (stat.isCharacterDevice()) return [`${name} char ${mode} ${owner} ${device}`];
  if (stat.isBlockDevice()) return [`${name} block ${mode} ${owner} ${device}`];
  if (stat.isFIFO()) return [`${name} fifo ${mode} ${owner}`];
  if (!stat.isDirectory()) return [`${name} file ${mode} ${owner}`];
  const names = (await readdir(full)).sort();
  const children = await Promise.all(names.map((child) => listing(root, `${below}/${child}`)));
  return [`${name} dir ${mode} ${owner}`, ...children.flat()];
}

/** The extended attributes of a file, as tar tells them. */
async function attributes(file: string): Promise<Record<string, string>> {
  const tar = ["tar", "--create", "--format=posix", "--xattrs", "--xattrs-include=*"];
  const { stdout } = await run([...tar, "--absolute-names", file]);
  const records = stdout.matchAll(/^[0-9]+ SCHILY\.xattr\.([^=]+)=(.*)$/gm);
  return Object.fromEntries([...records].map(([, name = "", value = ""]) => [name, value]));
}
