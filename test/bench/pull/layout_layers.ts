/**
 * The layers of the one image of a layout.
 *
 * @module
 */
import { join } from "node:path";
import type { Digest } from "../../../lib/image/digest.ts";

export interface LayoutLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly sizeBytes: number;
  /** The file that holds it, compressed. */
  readonly path: string;
}

/** Reads them, lowest first. The layout is our own: nothing is checked. */
export async function layersOf(layout: string): Promise<LayoutLayer[]> {
  const pathOf = (digest: string) => join(layout, "blobs", digest.replace(":", "/"));
  const read = async (path: string) => await Bun.file(path).json();
  const index = await read(join(layout, "index.json"));
  const manifest = await read(pathOf(index.manifests[0].digest));
  const config = await read(pathOf(manifest.config.digest));
  return manifest.layers.map(
    ({ digest, size }: { digest: Digest; size: number }, place: number) => ({
      digest,
      diffId: config.rootfs.diff_ids[place],
      sizeBytes: size,
      path: pathOf(digest),
    }),
  );
}
