/** Images that are broken, hostile, or for another machine: refused, or harmless; what lies outside never changes. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ImageOptions, type Layout, writeImage } from "../lab/images/layout.ts";
import { renderTar, type TarEntry } from "../lab/images/tar.ts";
import { canPull, OuterHost, outcomeText } from "./_outer_host.ts";

/** A name for the administrator's folder `full`, which no image may reach. */
const VICTIM = "VICTIM";
const etc: TarEntry = { path: "etc/", type: "dir" };
const link = (path: string, linkTarget: string): TarEntry => ({
  path,
  type: "symlink",
  linkTarget,
});
const initHint = "the image is hostile or made for something else: do not run it";
const staged = "DIR/state/root/var/lib/man8machines/.mbctl-new.web";
const insideHint = "the image is broken or hostile: do not run it";

interface BadImage {
  readonly files: readonly TarEntry[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly mounts?: readonly string[];
  /** What mbctl says behind `Cannot `, and its hint. */
  readonly says: string;
  readonly hint: string;
}

const refused: Readonly<Record<string, BadImage>> = {
  "/man8s-init is a link to the host": {
    files: [etc, link("man8s-init", VICTIM)],
    says: `install man8s-init in "${staged}": /man8s-init is a symbolic link there`,
    hint: initHint,
  },
  "/man8s-init is a file": {
    files: [etc, { path: "man8s-init", content: "x" }],
    says: `install man8s-init in "${staged}": /man8s-init is something else there`,
    hint: initHint,
  },
  "/man8env.env is a link to the host": {
    files: [etc, link("man8env.env", `${VICTIM}/mine`)],
    says: `install man8s-init in "${staged}": /man8env.env is a symbolic link there`,
    hint: initHint,
  },
  "/man8env.env is a folder": {
    files: [etc, { path: "man8env.env/", type: "dir" }],
    says: `install man8s-init in "${staged}": /man8env.env is something else there`,
    hint: initHint,
  },
  "a volume is a file": {
    files: [etc, { path: "f", content: "" }],
    config: { Volumes: { "/f": {} } },
    mounts: ["/f=data"],
    says: 'use "/f" as a volume: it is no directory in the image',
    hint: "pull it with --mount /f=skip",
  },
  "a volume has the name of a file of ours": {
    files: [etc],
    config: { Volumes: { "/machine.toml": {} } },
    mounts: ["/machine.toml=config"],
    says: "keep the volume /machine.toml in the configuration folder: mbctl has a file of that name there",
    hint: "pull it with --mount /machine.toml=data",
  },
  "a volume lies over man8s-init": {
    files: [etc],
    config: { Volumes: { "/man8s-init": {} } },
    mounts: ["/man8s-init=data"],
    says: "keep the volume /man8s-init on the host: the machine needs what is at that place",
    hint: "pull it with --mount /man8s-init=skip",
  },
  "the working directory is behind a loop of links": {
    files: [etc, link("w", "w")],
    config: { WorkingDir: "/w/made" },
    says: 'resolve "/w/made" inside the root tree: more than 40 symbolic links are on it',
    hint: insideHint,
  },
  "the working directory is below a file": {
    files: [etc, { path: "w", content: "" }],
    config: { WorkingDir: "/w/made" },
    says: 'resolve "/w/made" inside the root tree: /w is no directory in the image',
    hint: insideHint,
  },
  "it names no program": {
    files: [etc],
    config: { Cmd: [] },
    says: "run the image: it names no program, neither Entrypoint nor Cmd",
    hint: "name one as args; mbctl oci download IMAGE PATH takes its root tree alone",
  },
};

/** Images with links and paths that lead out, which end up inside the tree instead. */
const harmless: Readonly<Record<string, Omit<BadImage, "says" | "hint">>> = {
  "/man8s-init/busybox is a link": {
    files: [{ path: "man8s-init/", type: "dir" }, link("man8s-init/busybox", `${VICTIM}/mine`)],
  },
  "our hidden names are links": {
    files: [link(".mbctl-new.man8s-init", VICTIM), link(".mbctl-old.man8s-init", VICTIM)],
  },
  "a volume is a link": {
    files: [link("vol", VICTIM)],
    config: { Volumes: { "/vol": {} } },
    mounts: ["/vol=data"],
  },
  "a volume is behind a link": {
    files: [link("p", `${VICTIM}/..`)],
    config: { Volumes: { "/p/full": {} } },
    mounts: ["/p/full=config"],
  },
  "the working directory is behind a link": {
    files: [link("w", VICTIM)],
    config: { WorkingDir: "/w/made" },
  },
  "/run is a link": { files: [link("run", VICTIM)] },
  "/usr is a link": { files: [link("usr", VICTIM)] },
  "a file climbs out": { files: [{ path: `../../../../../../../..${VICTIM}/evil`, content: "x" }] },
  "a file is written through a link": {
    files: [link("l", VICTIM), { path: "l/evil", content: "x" }],
  },
};

describe.skipIf(!canPull)("pull", () => {
  let host: OuterHost;
  let fresh: string[];
  let images = 0;
  beforeAll(async () => {
    host = await OuterHost.create();
    await host.run(host.pullWords);
    await host.run(["machines", "remove", "web", "--yes"]);
    host.resetOwn();
    fresh = host.snapshot();
  });
  afterAll(() => host?.[Symbol.dispose]());

  const write = (
    files: readonly TarEntry[],
    config: Readonly<Record<string, unknown>> = {},
    more: Partial<ImageOptions> = {},
  ) => {
    const real = (text: string) => text.replace(VICTIM, host.own("full"));
    const entries = files.map((entry) => ({
      ...entry,
      path: real(entry.path),
      ...(entry.linkTarget === undefined ? {} : { linkTarget: real(entry.linkTarget) }),
    }));
    return writeImage(join(host.dir, `image${++images}`), {
      layers: [entries],
      config: { config: { Cmd: ["/app"], ...config } },
      ...more,
    });
  };
  const pull = async (layout: Layout, mounts: readonly string[] = []) =>
    await host.run([
      "machines",
      "pull",
      `oci:${layout.dir}:latest`,
      "web",
      ...mounts.map((mount) => `--mount=${mount}`),
    ]);

  async function expectRefusal(
    layout: Layout,
    mounts: readonly string[],
    exitCode: number,
    message: string,
  ): Promise<void> {
    const outcome = await pull(layout, mounts);
    // Without the progress.
    const stderr = outcome.stderr.replace(/^(pulling|mode|done|failed) .*\n/gm, "");
    expect(outcomeText(host, { ...outcome, stderr })).toBe(
      `exit ${exitCode}\nmbctl: Cannot ${message}\n`,
    );
    expect(host.snapshot()).toEqual(fresh);
    expect(host.storeTroubles()).toEqual([]);
  }

  test.each(Object.keys(refused))("refuses an image in which %s", async (title) => {
    const { files, config, mounts = [], says, hint } = refused[title] as BadImage;
    await expectRefusal(await write(files, config), mounts, 2, `${says}\nhint: ${hint}`);
  });

  test.each(Object.keys(harmless))("comes to no harm by an image in which %s", async (title) => {
    const { files, config, mounts } = harmless[title] as BadImage;
    const { exitCode, stderr } = await pull(await write([etc, ...files], config), mounts);
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
    const own = (lines: readonly string[]) => lines.filter((line) => line.startsWith("own/"));
    expect(own(host.snapshot())).toEqual(own(fresh));
    expect((await host.run(["machines", "remove", "web", "--yes"])).exitCode).toBe(0);
    expect(host.snapshot()).toEqual(fresh);
  });

  test("names the platform of an image that is for another one", async () => {
    const layout = await write([etc], {}, { platform: { os: "linux", architecture: "s390x" } });
    const here = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
    const message = `use image "oci:DIR/image${images}:latest" on ${here}: it is for linux/s390x`;
    await expectRefusal(
      layout,
      [],
      2,
      `${message}\nhint: choose a tag or a digest that is built for ${here}`,
    );
  });

  const layerOf = (layout: Layout): { path: string; digest: string } => {
    const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
    const manifest = json(
      layout.blobPath(json(join(layout.dir, "index.json")).manifests[0].digest),
    );
    return { path: layout.blobPath(manifest.layers[0].digest), digest: manifest.layers[0].digest };
  };
  const damagedHint = "the image is damaged where it comes from: try again, or push it anew";
  const layerOfImage = async () => {
    const content = bytesOf(60_000);
    const layout = await write([{ path: "big", content }]);
    return { layout, image: `"oci:DIR/image${images}:latest"`, ...layerOf(layout) };
  };

  test("refuses a truncated layer", async () => {
    const { layout, image, path, digest } = await layerOfImage();
    const { size } = statSync(path);
    truncateSync(path, 5000);
    const state = `the blob ${digest} has 5000 bytes, not ${size}`;
    await expectRefusal(layout, [], 2, `use image ${image}: ${state}\nhint: ${damagedHint}`);
  });

  test("refuses a corrupt layer", async () => {
    const { layout, image, path, digest } = await layerOfImage();
    const bytes = readFileSync(path);
    bytes[50_000] = (bytes[50_000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const state = "its bytes are not those that its digest was made of";
    const message = `fetch blob "${digest}" of ${image}: ${state}\nhint: ${damagedHint}`;
    await expectRefusal(layout, [], 2, message);
  });

  test("refuses an image without one of its layers", async () => {
    const { layout, image, path, digest } = await layerOfImage();
    rmSync(path);
    await expectRefusal(
      layout,
      [],
      2,
      `use image ${image}: ${digest} is not in it\nhint: ${damagedHint}`,
    );
  });

  /** Layers that are as they were pushed, and still are not what the image says; and what mbctl says of them. */
  const wrongLayers: Readonly<Record<string, readonly [bytes: Uint8Array, says: RegExp]>> = {
    "unpacks to something else": [
      gzipped([etc]),
      /^it unpacks to something else: its diff_id is sha256:0{64}, not sha256:\w{64}$/,
    ],
    "ends too soon": [
      gzipped([{ path: "big", content: bytesOf(60_000) }]).subarray(0, 30_000),
      /^it cannot be decompressed\n {2}because: .+$/s,
    ],
    "is no archive": [bytesOf(60_000), /^.+$/],
  };
  test.each(Object.keys(wrongLayers))("refuses an image with a layer that %s", async (title) => {
    const [bytes, says] = wrongLayers[title] ?? [];
    const path = join(host.dir, "wrong-layer");
    writeFileSync(path, bytes ?? "");
    const layout = await write([], {}, { layers: [{ path, diffId: `sha256:${"0".repeat(64)}` }] });
    const { digest } = layerOf(layout);
    const { exitCode, stderr } = await pull(layout);
    const start = `mbctl: Cannot apply layer "${digest}": `;
    const end = `\nhint: ${damagedHint}\n`;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining(start),
    });
    expect(stderr).toEndWith(end);
    expect(stderr.slice(stderr.indexOf(start) + start.length, -end.length)).toMatch(
      says ?? /never/,
    );
    expect(host.snapshot()).toEqual(fresh);
    expect(host.storeTroubles()).toEqual([]);
  });

  test("throws a damaged layer of the store out, and takes it again from where it was", async () => {
    const layout = await write([{ path: "big", content: bytesOf(60_000) }]);
    expect((await pull(layout)).exitCode).toBe(0);
    const whole = host.snapshot();
    await host.run(["machines", "remove", "web", "--yes"]);
    const { digest } = layerOf(layout);
    const stored = join(host.root, "var/cache/mbctl/blobs", digest.replace(":", "/"));
    const bytes = readFileSync(stored);
    bytes[50_000] = (bytes[50_000] ?? 0) ^ 1;
    writeFileSync(stored, bytes);
    const { exitCode, stderr } = await pull(layout);
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stderr).toContain(`warning: the stored layer ${digest} is damaged: fetching it again\n`);
    expect(host.snapshot()).toEqual(whole);
    expect(host.storeTroubles()).toEqual([]);
    expect((await host.run(["machines", "remove", "web", "--yes"])).exitCode).toBe(0);
  });
});

function bytesOf(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

function gzipped(entries: readonly TarEntry[]): Uint8Array {
  return Bun.gzipSync(new Uint8Array(renderTar(entries)));
}
