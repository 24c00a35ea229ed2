/**
 * Puts a layout's image into a registry by writing its files where docker-registry looks for
 * them (distribution, registry/storage/paths.go): no push, and gone again in a moment.
 *
 * @module
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Writes the image of a layout, under `NAME:latest`. */
export async function publish(layout: string, name: string, data: string): Promise<void> {
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
  const manifest: string = index.manifests[0].digest;
  const repository = join(data, "docker/registry/v2/repositories", name);
  for (const hex of await readdir(join(layout, "blobs/sha256"))) {
    const target = join(data, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(layout, "blobs/sha256", hex), target);
    await writeLink(join(repository, "_layers/sha256", hex), `sha256:${hex}`);
  }
  const hex = manifest.slice("sha256:".length);
  await writeLink(join(repository, "_manifests/revisions/sha256", hex), manifest);
  await writeLink(join(repository, "_manifests/tags/latest/current"), manifest);
  await writeLink(join(repository, "_manifests/tags/latest/index/sha256", hex), manifest);
}

/** Takes everything out again. */
export async function unpublishAll(data: string): Promise<void> {
  await rm(join(data, "docker"), { recursive: true, force: true });
}

async function writeLink(folder: string, digest: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "link"), digest);
}
