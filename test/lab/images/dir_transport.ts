/**
 * A layout as a folder for skopeo's `dir:` transport (containers-transports(5)): the
 * `oci:` one refuses to read manifests of Docker's media types.
 *
 * @module
 */
import { cp, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "./layout.ts";

/** The descriptor that a layout's index.json holds under a name. */
export async function taggedDescriptor(layout: string, name: string): Promise<Descriptor> {
  const index = (await Bun.file(join(layout, "index.json")).json()) as {
    manifests: Descriptor[];
  };
  const found = index.manifests.find(
    (entry) => entry.annotations?.["org.opencontainers.image.ref.name"] === name,
  );
  if (found === undefined)
    throw new Error(`Cannot find "${name}" in the image layout ${layout}: no such name`);
  return found;
}

/** Writes the folder: blobs by their bare hex digest, manifests as `HEX.manifest.json`, the named one as `manifest.json`. */
export async function writeDirTransport(
  layout: string,
  name: string,
  target: string,
): Promise<void> {
  const top = await taggedDescriptor(layout, name);
  await mkdir(target, { recursive: true });
  await writeFile(join(target, "version"), "Directory Transport Version: 1.1\n");
  for (const blob of await readdir(join(layout, "blobs/sha256"))) {
    await cp(join(layout, "blobs/sha256", blob), join(target, blob));
  }
  const topFile = join(target, hexOf(top));
  const { manifests } = (await Bun.file(topFile).json()) as {
    manifests?: Descriptor[];
  };
  for (const manifest of manifests ?? []) {
    const file = join(target, hexOf(manifest));
    await rename(file, `${file}.manifest.json`);
  }
  await rename(topFile, join(target, "manifest.json"));
}

function hexOf(descriptor: Descriptor): string {
  return descriptor.digest.slice("sha256:".length);
}
