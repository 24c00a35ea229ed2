/**
 * Writing an OCI image layout by hand (image-spec, image-layout.md): no tool stands
 * between a test and the bytes that it wants in a registry.
 *
 * @module
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../run.ts";
import { renderTar, type TarEntry } from "./tar.ts";

/** A descriptor (image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** OCI's media types or Docker's (schema 2). */
export type MediaTypes = "oci" | "docker";

/** An image's configuration as in a registry; what is missing is filled in. */
export interface ImageConfigFile {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** A layer: entries, written here, or a finished `.tar.gz` with what it is when unpacked. */
export type LayerSource = readonly TarEntry[] | LayerFile;

/** A finished layer file, gzip-compressed. */
export interface LayerFile {
  readonly path: string;
  /** `sha256:…` of the uncompressed archive. */
  readonly diffId: string;
}

export interface ImageOptions {
  readonly layers: readonly LayerSource[];
  readonly config: ImageConfigFile;
  /** `oci` by default. */
  readonly mediaTypes?: MediaTypes;
  /** This machine by default. */
  readonly platform?: Platform;
  /** How layers given as entries are stored; `gzip` by default. `zstd` is OCI's alone. */
  readonly compression?: "none" | "gzip" | "zstd";
}

const names = {
  oci: {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: { none: ".v1.tar", gzip: ".v1.tar+gzip", zstd: ".v1.tar+zstd" },
    layerBase: "application/vnd.oci.image.layer",
  },
  docker: {
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: { none: ".tar", gzip: ".tar.gzip", zstd: ".tar.zstd" },
    layerBase: "application/vnd.docker.image.rootfs.diff",
  },
} as const;

/** This machine, as images name it. */
export const hostPlatform: Platform = {
  os: "linux",
  architecture: process.arch === "arm64" ? "arm64" : "amd64",
};

export class Layout {
  readonly dir: string;
  readonly #tags: Descriptor[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Makes a layout in a new folder. */
  static async create(dir: string): Promise<Layout> {
    await mkdir(join(dir, "blobs/sha256"), { recursive: true });
    await writeFile(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    return new Layout(dir);
  }

  /** Path of a blob's file. */
  blobPath(digest: string): string {
    return join(this.dir, "blobs", digest.replace(":", "/"));
  }

  /** Stores bytes, or JSON of a value. */
  async addBlob(mediaType: string, content: Uint8Array | object): Promise<Descriptor> {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const digest = sha256(bytes);
    await writeFile(this.blobPath(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Stores layers, configuration and manifest; returns the manifest's descriptor, platform included. */
  async addImage(options: ImageOptions): Promise<Descriptor> {
    const types = names[options.mediaTypes ?? "oci"];
    const platform = options.platform ?? hostPlatform;
    const layers: Descriptor[] = [];
    const diffIds: string[] = [];
    for (const source of options.layers) {
      const { descriptor, diffId } = await this.#addLayer(source, options);
      layers.push(descriptor);
      diffIds.push(diffId);
    }
    const config = await this.addBlob(types.config, {
      created: "2024-01-01T00:00:00Z",
      ...options.config,
      ...platform,
      rootfs: { type: "layers", diff_ids: diffIds },
      history: diffIds.map((_, index) => ({
        created_by: `lab layer ${index + 1}`,
      })),
    });
    const manifest = await this.addBlob(types.manifest, {
      schemaVersion: 2,
      mediaType: types.manifest,
      config,
      layers,
    });
    return { ...manifest, platform };
  }

  /** Stores an index (a manifest list) over manifests that are in the layout, or are not. */
  async addIndex(
    manifests: readonly Descriptor[],
    mediaTypes: MediaTypes = "oci",
  ): Promise<Descriptor> {
    const mediaType = names[mediaTypes].index;
    return await this.addBlob(mediaType, {
      schemaVersion: 2,
      mediaType,
      manifests,
    });
  }

  /** Names a manifest or an index in the layout's own index.json. */
  async tag(name: string, descriptor: Descriptor): Promise<void> {
    this.#tags.push({
      ...descriptor,
      annotations: { "org.opencontainers.image.ref.name": name },
    });
    await writeFile(
      join(this.dir, "index.json"),
      JSON.stringify({ schemaVersion: 2, manifests: this.#tags }),
    );
  }

  async #addLayer(
    source: LayerSource,
    options: ImageOptions,
  ): Promise<{ descriptor: Descriptor; diffId: string }> {
    const types = names[options.mediaTypes ?? "oci"];
    if ("path" in source) {
      const file = Bun.file(source.path);
      const digest = await sha256File(source.path);
      // Never a hard link: a test may spoil this blob, and the source is in the cache.
      await run(["cp", "--reflink=auto", source.path, this.blobPath(digest)]);
      const mediaType = types.layerBase + types.layer.gzip;
      return {
        descriptor: { mediaType, digest, size: file.size },
        diffId: source.diffId,
      };
    }
    const tar = renderTar(source);
    const compression = options.compression ?? "gzip";
    const blob = {
      none: () => tar,
      gzip: () => gzip(tar),
      zstd: () => Bun.zstdCompressSync(tar),
    }[compression]();
    const descriptor = await this.addBlob(types.layerBase + types.layer[compression], blob);
    return { descriptor, diffId: sha256(tar) };
  }
}

/** A layout with one image in it, tagged `latest`. */
export async function writeImage(dir: string, options: ImageOptions): Promise<Layout> {
  const layout = await Layout.create(dir);
  await layout.tag("latest", await layout.addImage(options));
  return layout;
}

/** All paths below a folder, relative to it, folders included. */
export async function listTree(root: string): Promise<string[]> {
  const { stdout } = await run(["find", ".", "-mindepth", "1", "-printf", "%P\\0"], { cwd: root });
  return stdout.split("\0").filter((path) => path !== "");
}

/** Makes a layer file of a folder's files, the same bytes for the same files; paths are relative to it. */
export async function packLayer(
  root: string,
  paths: readonly string[],
  target: string,
): Promise<LayerFile> {
  const tar = `${target}.tar`;
  await run(
    [
      ...[
        "tar",
        "-C",
        root,
        "--no-recursion",
        "--null",
        "--verbatim-files-from",
        "-T",
        "-",
        "--format=posix",
      ],
      ...["--numeric-owner", "--sort=name", "--xattrs", "--pax-option=delete=atime,delete=ctime"],
      // Folders carry the time at which the tree was made.
      ...["--mtime=2024-01-01", "--clamp-mtime", "-cf", tar],
    ],
    { stdin: paths.join("\0") },
  );
  const diffId = await sha256File(tar);
  await run(["gzip", "-1", "--no-name", "--force", tar]);
  await rename(`${tar}.gz`, target);
  return { path: target, diffId };
}

/** `sha256:…` of bytes. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}

async function sha256File(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return `sha256:${hasher.digest("hex")}`;
}

function gzip(bytes: Uint8Array): Uint8Array {
  return Bun.gzipSync(new Uint8Array(bytes));
}
