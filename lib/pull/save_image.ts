/**
 * Stored images as files that can be carried to another host: an OCI layout
 * (image-spec, image-layout.md), as a folder or as one archive. Manifests,
 * configurations and layers go out byte by byte, so every digest stays.
 *
 * @module
 */

import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { MbctlError, usageError } from "../errors.ts";
import { isErrno, syncDirectory, syncFileSystemOf } from "../host/files.ts";
import { removeTree } from "../trees/remove_tree.ts";
import { interrupted } from "../host/run.ts";
import { digestAlgorithm } from "../image/digest.ts";
import type { BlobId } from "../image/blob_source.ts";
import { type Descriptor, parseManifest } from "../image/manifest.ts";
import * as media from "../image/media_types.ts";
import {
  layoutBlobPath,
  ociLayoutText,
  renderLayoutIndex,
  type SaveFormat,
} from "../image/oci_layout.ts";
import { formatImageRef } from "../image/reference.ts";
import { discardBlob } from "../store/blobs.ts";
import { blobPath } from "../store/paths.ts";
import type { OpenStore } from "../store/store.ts";
import type { LocatedImage } from "./locate_image.ts";
import type { UnpackTools } from "./unpack_image.ts";
import { paddingBytes, renderUstarHeader } from "../image/ustar.ts";

/** Where the parts of a layout are written, in this order: one writer for each form. */
interface LayoutWriter {
  /** Begins a file; its bytes follow. */
  begin(path: string, sizeBytes: number): void;
  write(bytes: Uint8Array): void;
  end(): void;
  /** Puts what was written in its place. */
  commit(): void;
  /** Clears what was written. */
  discard(): void;
}

/**
 * Writes an image that is wholly in the store; `target` appears when it is complete.
 *
 * @param target absolute; a file is replaced, a folder must be empty or not exist.
 * @throws {MbctlError} (usage) for a folder that holds something, (failed) for a blob that is damaged, (interrupted).
 */
export async function saveImage(
  { store, located, signal }: Pick<UnpackTools, "store" | "located" | "signal">,
  target: string,
  format: SaveFormat,
): Promise<void> {
  const { manifest, configText, ref } = located.found;
  const documents = [
    ...located.documents,
    { digest: manifest.config.digest, text: configText },
  ].map(({ digest, text }) => ({ digest, sizeBytes: Buffer.byteLength(text) }));
  const blobs = new Map([...documents, ...manifest.layers].map((blob) => [blob.digest, blob]));
  const writer = format === "oci-dir" ? folderWriter(target) : archiveWriter(target);
  try {
    for (const [path, text] of [
      ["oci-layout", ociLayoutText],
      ["index.json", renderLayoutIndex([{ name: formatImageRef(ref), top: topOf(located) }])],
    ] as const) {
      const bytes = Buffer.from(text);
      writer.begin(path, bytes.length);
      writer.write(bytes);
      writer.end();
    }
    for (const blob of blobs.values()) {
      writer.begin(layoutBlobPath(blob.digest), blob.sizeBytes);
      for await (const bytes of verifiedBytes(store, blob)) {
        if (signal?.aborted) throw interrupted();
        writer.write(bytes);
      }
      writer.end();
    }
    writer.commit();
  } catch (error) {
    writer.discard();
    throw error;
  }
}

/** What the image's name stands for: the outermost document. */
function topOf({ documents, found }: LocatedImage): Descriptor {
  const [{ digest, text } = { digest: found.digest, text: "" }] = documents;
  const parsed = parseManifest(text, formatImageRef(found.ref));
  const isOci = parsed.format === "oci";
  const mediaType =
    parsed.kind === "index"
      ? isOci
        ? media.ociIndex
        : media.dockerIndex
      : isOci
        ? media.ociManifest
        : media.dockerManifest;
  return { mediaType, digest, sizeBytes: Buffer.byteLength(text) };
}

const chunkBytes = 1 << 20;

/** The bytes of a blob; throws before the last of them when they are not the blob's. */
async function* verifiedBytes(store: OpenStore, blob: BlobId): AsyncGenerator<Uint8Array> {
  const file = openSync(blobPath(store.paths, blob.digest), "r");
  try {
    const hash = new Bun.CryptoHasher(digestAlgorithm(blob.digest));
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let rest = blob.sizeBytes;
    for (;;) {
      const length = readSync(file, buffer, 0, Math.min(chunkBytes, rest + 1), null);
      rest -= length;
      const bytes = buffer.subarray(0, length);
      hash.update(bytes);
      const isWhole =
        rest === 0 &&
        `${digestAlgorithm(blob.digest)}:${hash.copy().digest("hex")}` === blob.digest;
      if (rest < 0 || (length === 0 && rest > 0) || (rest === 0 && !isWhole)) {
        discardBlob(store, blob.digest);
        throw new MbctlError(
          "failed",
          `Cannot save the blob ${blob.digest}: it was damaged in the store`,
          {
            hint: "it was thrown out: mbctl oci pull IMAGE fetches it again",
          },
        );
      }
      if (length > 0) yield bytes;
      if (isWhole) return;
      // A turn of the event loop: Ctrl-C is heard.
      await new Promise(setImmediate);
    }
  } finally {
    closeSync(file);
  }
}

/** The hidden name beside a target, known to the next run. */
function staged(target: string): string {
  return join(dirname(target), `.mbctl-new.${basename(target)}`);
}

function folderWriter(target: string): LayoutWriter {
  requireEmpty(target);
  const folder = staged(target);
  removeTree(folder);
  mkdirSync(join(folder, "blobs"), { recursive: true, mode: 0o755 });
  let file = -1;
  return {
    begin(path) {
      mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
      file = openSync(join(folder, path), "wx", 0o644);
    },
    write: (bytes) => writeWhole(file, bytes),
    end: () => closeSync(file),
    commit() {
      syncFileSystemOf(folder);
      renameSync(folder, target);
      syncDirectory(dirname(target));
    },
    discard: () => removeTree(folder),
  };
}

function archiveWriter(target: string): LayoutWriter {
  if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(
      `Cannot save to ${JSON.stringify(target)}: it is a folder`,
      "--format oci-dir saves to a folder",
    );
  }
  const path = staged(target);
  removeTree(path);
  const file = openSync(path, "wx", 0o600);
  let padding = 0;
  return {
    begin(name, sizeBytes) {
      writeWhole(file, renderUstarHeader(name, sizeBytes));
      padding = paddingBytes(sizeBytes);
    },
    write: (bytes) => writeWhole(file, bytes),
    end: () => writeWhole(file, new Uint8Array(padding)),
    commit() {
      // Two empty blocks end an archive (POSIX.1-2017, pax).
      writeWhole(file, new Uint8Array(1024));
      fchmodSync(file, 0o644);
      fsyncSync(file);
      closeSync(file);
      renameSync(path, target);
      syncDirectory(dirname(target));
    },
    discard() {
      removeTree(path);
    },
  };
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/** rename(2) replaces an empty folder, and refuses any other. */
function requireEmpty(target: string): void {
  let names: string[];
  try {
    names = readdirSync(target);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw usageError(
      `Cannot save to ${JSON.stringify(target)}: it is no folder`,
      "name a folder that is empty or does not exist",
    );
  }
  if (names.length > 0) {
    throw usageError(
      `Cannot save to ${JSON.stringify(target)}: the folder holds something`,
      "name a folder that is empty or does not exist",
    );
  }
}
