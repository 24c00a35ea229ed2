/**
 * The images that are pulled: OCI layouts made of the files of a Debian root tree, so that
 * they compress and unpack as real images do. The same tree gives the same bytes; what was made
 * once is kept in the lab's cache.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { cached } from "../../lab/cache.ts";
import { hostImage } from "../../lab/host_image.ts";
import { Layout } from "../../lab/images/layout.ts";
import { renderTar, type TarEntry } from "../../lab/images/tar.ts";
import { readPool, sliceEntries, treeEntries } from "./content.ts";

/** What an image is made of. */
export interface ImageSpec {
  /** Its name in the registry and in the results. */
  readonly name: string;
  readonly layers: number;
  readonly compression: "gzip" | "zstd";
  /** Plain bytes of all files together. */
  readonly plainBytes: number;
  /** So many files of one size; by default the files of the root tree, over and over. */
  readonly files?: number;
}

/** An image that is there, with what came of its making. */
export interface BuiltImage extends ImageSpec {
  readonly dir: string;
  /** Compressed bytes of all layers. */
  readonly blobBytes: number;
  /** Plain bytes of all layers, as archives. */
  readonly tarBytes: number;
  readonly entries: number;
  /** Regular files among the entries. */
  readonly regularFiles: number;
}

/** Raise it when something changes that the other parts of the key do not show. */
const recipeVersion = 1;

const compressors = {
  // Any gzip reads what pigz writes; the level is what registries hold.
  gzip: ["pigz", "-6", "--no-name", "--no-time"],
  zstd: ["zstd", "-3", "-T2", "--quiet"],
} as const;

const mediaTypes = {
  layer: "application/vnd.oci.image.layer.v1.tar+",
  config: "application/vnd.oci.image.config.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
};

/** Returns the image, making it first where the cache has none. */
export async function buildImage(spec: ImageSpec): Promise<BuiltImage> {
  const source = await hostImage("debian12");
  const dir = await cached(
    `bench-${spec.name}`,
    [recipeVersion, basename(source), spec, compressors, mediaTypes],
    async (dir) => {
      process.stderr.write(`bench: making image ${spec.name} (once)\n`);
      await writeLayout(spec, source, dir);
    },
  );
  return { ...spec, dir, ...(await Bun.file(join(dir, "facts.json")).json()) };
}

async function writeLayout(spec: ImageSpec, source: string, dir: string): Promise<void> {
  const pool = await readPool(source);
  const entries =
    spec.files === undefined
      ? treeEntries(pool, spec.plainBytes)
      : sliceEntries(pool, spec.files, spec.plainBytes / spec.files);
  const layout = await Layout.create(dir);
  const facts = { blobBytes: 0, tarBytes: 0, entries: 0, regularFiles: 0 };
  const layers: object[] = [];
  const diffIds: string[] = [];
  let done = 0;
  for (let index = 0; index < spec.layers; index++) {
    const layer = new LayerWriter(join(dir, "layer"), spec.compression);
    const end = (spec.plainBytes / spec.layers) * (index + 1);
    while (index + 1 === spec.layers || done < end) {
      const next = entries.next().value;
      if (next === undefined) break;
      await layer.add(next);
      facts.entries++;
      if (next.content !== undefined) facts.regularFiles++;
      done += next.content?.length ?? 0;
    }
    const { digest, diffId, size, tarBytes } = await layer.finish();
    await rename(join(dir, "layer"), layout.blobPath(digest));
    layers.push({ mediaType: mediaTypes.layer + spec.compression, digest, size });
    diffIds.push(diffId);
    facts.blobBytes += size;
    facts.tarBytes += tarBytes;
  }
  const config = await layout.addBlob(mediaTypes.config, {
    created: "2024-01-01T00:00:00Z",
    os: "linux",
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    config: { Cmd: ["/bin/true"] },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: diffIds.map((_, index) => ({ created_by: `bench layer ${index + 1}` })),
  });
  await layout.tag(
    "latest",
    await layout.addBlob(mediaTypes.manifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers,
    }),
  );
  await Bun.write(join(dir, "facts.json"), JSON.stringify(facts));
}

/** One layer on its way to its file, through the compressor. */
class LayerWriter {
  readonly #path: string;
  readonly #child: Bun.Subprocess<"pipe", Bun.BunFile, "inherit">;
  readonly #hash = createHash("sha256");
  #tarBytes = 0;

  constructor(path: string, compression: ImageSpec["compression"]) {
    this.#path = path;
    this.#child = Bun.spawn([...compressors[compression]], {
      stdin: "pipe",
      stdout: Bun.file(path),
      stderr: "inherit",
    });
  }

  async add(entry: TarEntry): Promise<void> {
    // Without the end marker, which comes once.
    await this.#write(renderTar([entry]).subarray(0, -1024));
  }

  async finish() {
    await this.#write(new Uint8Array(1024));
    await this.#child.stdin.end();
    if ((await this.#child.exited) !== 0)
      throw new Error(`Cannot compress "${this.#path}": exit code ${this.#child.exitCode}`);
    const compressed = createHash("sha256");
    for await (const chunk of Bun.file(this.#path).stream()) compressed.update(chunk);
    return {
      digest: `sha256:${compressed.digest("hex")}`,
      diffId: `sha256:${this.#hash.digest("hex")}`,
      size: Bun.file(this.#path).size,
      tarBytes: this.#tarBytes,
    };
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#tarBytes += bytes.length;
    this.#child.stdin.write(bytes);
    await this.#child.stdin.flush();
  }
}
