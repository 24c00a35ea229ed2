/**
 * A located image into the store, and into a root tree: its layers are applied
 * while later ones still arrive.
 *
 * @module
 */

import { mkdirSync } from "node:fs";
import { removeTree } from "../trees/remove_tree.ts";
import type { Spawn } from "../host/spawn.ts";
import { makeTree } from "../trees/tree.ts";
import { applyLayers, type AppliedTree } from "../layers/apply_layers.ts";
import { DamagedLayerError } from "../layers/damaged_layer.ts";
import { formatImageRef } from "../image/reference.ts";
import { discardBlob, writeBlob } from "../store/blobs.ts";
import { RestartedError } from "../store/follow.ts";
import { touchUsed, writeReference } from "../store/references.ts";
import type { OpenStore } from "../store/store.ts";
import { LayerDownloads } from "./download_layers.ts";
import type { LocatedImage } from "./locate_image.ts";
import type { LayerWatcher } from "./progress.ts";

export interface UnpackTools {
  readonly spawn: Spawn;
  readonly store: OpenStore;
  readonly located: LocatedImage;
  readonly watch: LayerWatcher;
  readonly warn: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A root tree of its own, a subvolume on btrfs; or a directory that is a part of one. */
export type TreeKind = "whole" | "part";

/** How often unpacking begins anew when a download did, or a stored layer was damaged. */
const maxAttempts = 4;

/**
 * Puts into the store what it lacks of an image.
 *
 * @throws {MbctlError} of kind "tool" when it cannot be fetched, "host" when the disk is full, "interrupted".
 */
export async function fetchImage(tools: UnpackTools): Promise<void> {
  storeDocuments(tools);
  await using downloads = download(tools);
  await downloads.done();
}

/**
 * Unpacks an image into a root tree, fetching what the store lacks.
 *
 * @param tree a free name, whose parent exists. After a failure nothing is there.
 * @throws {MbctlError} as {@linkcode fetchImage} does, and "usage" for layers that cannot be applied.
 */
export async function unpackImage(
  tools: UnpackTools,
  tree: string,
  kind: TreeKind = "whole",
): Promise<AppliedTree> {
  storeDocuments(tools);
  for (let attempt = 1; ; attempt++) {
    await using downloads = download(tools);
    try {
      return await apply(tools, downloads, tree, kind);
    } catch (error) {
      removeTree(tree);
      if (attempt === maxAttempts || !(await isMended(tools, downloads, error))) throw error;
    }
  }
}

async function apply(
  { spawn, located, watch, warn, signal }: UnpackTools,
  downloads: LayerDownloads,
  tree: string,
  kind: TreeKind,
): Promise<AppliedTree> {
  const { manifest, config } = located.found;
  if (kind === "whole") makeTree(tree);
  else mkdirSync(tree, { mode: 0o755 });
  const layers = manifest.layers.map((layer, place) => {
    const diffId = config.diffIds[place];
    if (diffId === undefined) throw new TypeError(`layer ${place} has no diff_id`);
    return { ...layer, diffId, open: () => downloads.open(layer) };
  });
  // A download that fails ends this too: the bytes that are followed throw.
  const applied = await applyLayers(layers, tree, {
    spawn,
    signal,
    onWarning: warn,
    onProgress: (place, bytes) => watch.applied(place, bytes),
  });
  await downloads.done();
  return applied;
}

/** Whether the next attempt may succeed: what was wrong has been thrown away. */
async function isMended(
  { store, located, warn }: UnpackTools,
  downloads: LayerDownloads,
  error: unknown,
): Promise<boolean> {
  if (error instanceof RestartedError) {
    // Its end is waited for: either the next attempt finds a whole file, or this is the failure to tell.
    await downloads.done();
    return true;
  }
  if (!(error instanceof DamagedLayerError)) return false;
  const layer = located.found.manifest.layers.find(({ digest }) => digest === error.digest);
  // What has just been compared with its digest is as it was pushed.
  if (layer === undefined || !(await downloads.wasThere(layer))) return false;
  warn(`the stored layer ${layer.digest} is damaged: fetching it again`);
  discardBlob(store, layer.digest);
  return true;
}

function storeDocuments({ store, located }: UnpackTools): void {
  const { manifest, configText } = located.found;
  for (const { digest, text } of [
    ...located.documents,
    { digest: manifest.config.digest, text: configText },
  ]) {
    writeBlob(store, digest, Buffer.from(text));
  }
}

function download({ store, located, watch, signal }: UnpackTools): LayerDownloads {
  const sources = () => located.blobs();
  const { ref: image, manifest } = located.found;
  return new LayerDownloads(manifest.layers, { store, image, sources, watch, signal });
}

/**
 * Notes what a reference named, and that it was used. Paths of files are not
 * noted: what they hold is asked for anew each time.
 */
export function rememberImage({ store, located }: UnpackTools): void {
  const { found, resolvedMs, verifiedBy } = located;
  if (found.ref.transport !== "docker") return;
  const reference = formatImageRef(found.ref);
  const { os, architecture, variant } = found.config;
  if (located.origin === "registry") {
    writeReference(store, found.ref, {
      reference,
      digest: found.digest,
      manifestDigest: found.manifestDigest,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
      resolvedMs,
      verifiedBy,
    });
  }
  touchUsed(store, reference, Date.now());
}
