/**
 * What mbctl does with a store, as a program that can be killed: `bun _work.ts
 * ROOT pull|prune`. It writes a line for each piece that it downloaded.
 */

import { writeSync } from "node:fs";
import { digestOf } from "../../lib/image/digest.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { applyPrune } from "../../lib/store/apply_prune.ts";
import { checkBlob, hasBlob, listBlobs } from "../../lib/store/blobs.ts";
import { readContents } from "../../lib/store/contents.ts";
import { readImageUses } from "../../lib/store/image_use.ts";
import { findStored } from "../../lib/store/images.ts";
import { beginBlob } from "../../lib/store/partial_blob.ts";
import { planPrune, type PruneOptions } from "../../lib/store/prune.ts";
import { listReferences } from "../../lib/store/references.ts";
import { openStore } from "../../lib/store/store.ts";
import { findTree } from "../../lib/store/trees.ts";
import { bytesOf, type MadeImage, plainTrees, platform, storeImage } from "./_workshop.ts";

export const layerBytes = 60_000;
const chunkBytes = 25_000;
/** The image that is pulled in place of another, of which it shares a layer. */
export const newLayers = ["shared", "new"];
export const oldLayers = ["shared", "old"];
export const reference = "docker.io/library/app:1";

/** Downloads layers piece by piece, resuming where there is something, then stores the image. */
export async function pull(
  root: string,
  layers: readonly string[],
  onPiece: (bytes: number) => void = () => {},
): Promise<MadeImage> {
  using store = await openStore(root, "shared");
  for (const seed of layers) {
    const bytes = bytesOf(seed, layerBytes);
    using partial = await begin(store, bytes);
    if (partial === undefined) continue;
    // As a download does it: what is there is compared first.
    const there = Buffer.from(await Bun.file(partial.path).arrayBuffer());
    if (!there.equals(bytes.subarray(0, there.length))) partial.restart();
    for (let at = partial.sizeBytes; at < bytes.length; at = partial.sizeBytes) {
      partial.append(bytes.subarray(at, at + chunkBytes));
      onPiece(partial.sizeBytes - at);
      await new Promise(setImmediate);
    }
    partial.commit();
  }
  onPiece(0);
  for (const seed of layers) {
    const digest = digestOf(bytesOf(seed, layerBytes));
    if (!hasBlob(store, { digest })) throw new Error(`${seed} was swept away under our lock`);
  }
  const image = await storeImage(store, reference, { layers, layerBytes, withTree: true });
  const isThere =
    findTree(store, image.chain) !== undefined && hasBlob(store, { digest: image.manifest });
  if (!isThere) throw new Error("the image was swept away under our lock");
  return image;
}

async function begin(store: Awaited<ReturnType<typeof openStore>>, bytes: Uint8Array) {
  const partial = await beginBlob(store, { digest: digestOf(bytes), sizeBytes: bytes.length });
  return partial === "present" ? undefined : partial;
}

/** Removes what no machine of the root uses. */
export async function prune(root: string, options: Partial<PruneOptions> = {}): Promise<void> {
  using store = await openStore(root, "exclusive");
  const contents = readContents(store, readImageUses(root));
  const plan = planPrune(contents, { nowMs: Date.now(), ...options });
  await applyPrune(store, plan, { tools: plainTrees });
}

/**
 * What is wrong with a store, whoever was killed in it: blobs that are not what
 * their names say, references that lead nowhere, damage.
 */
export async function faultsOf(root: string): Promise<string[]> {
  const faults: string[] = [];
  using store = await openStore(root, "shared", { onDamage: (text) => faults.push(text) });
  for (const { digest } of listBlobs(store).blobs) await checkBlob(store, { digest });
  const { references, damaged } = listReferences(store);
  for (const { path } of damaged) faults.push(`${path} is damaged`);
  for (const { reference: text } of references) {
    const found = findStored(store, parseImageRef(text), platform);
    if (found === undefined) faults.push(`${text} leads nowhere`);
    for (const { digest } of found?.missing ?? []) faults.push(`${text} lacks ${digest}`);
  }
  const contents = readContents(store, readImageUses(root));
  for (const { digests, machine } of readImageUses(root)) {
    const lost = digests.filter((digest) => !hasBlob(store, { digest }));
    if (lost.length > 0) faults.push(`${machine} lost ${lost.join(" and ")}`);
  }
  for (const { path, chain } of contents.trees) {
    if ((await Bun.file(`${path}/file`).text()) !== chain) faults.push(`${path} is half a tree`);
  }
  for (const image of contents.images.filter(({ machines }) => machines.length > 0)) {
    const isThere = contents.trees.some(({ chain }) => chain === image.chain);
    if (image.missing.length > 0) faults.push(`${image.machines} lost layers`);
    if (!isThere) faults.push(`${image.machines} lost the tree`);
  }
  return faults;
}

if (import.meta.main) {
  const [, , root = "", task = "", ...layers] = process.argv;
  const say = (bytes: number) => void writeSync(1, `${bytes}\n`);
  if (task === "pull") await pull(root, layers, say);
  if (task === "prune") await prune(root);
}
