/**
 * Verified blobs: layers, manifests and configurations, each under its digest.
 *
 * Nothing is synced here: what a power loss damaged does not fit its size or its
 * digest any more, and is thrown out where it is used.
 *
 * @module
 */

import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { MbctlError } from "../errors.ts";
import { isErrno, listDirectory, makeDirectory, removeFile } from "../host/files.ts";
import { interrupted } from "../host/run.ts";
import { type Digest, digestAlgorithm, digestOf, whyNoDigest } from "../image/digest.ts";
import { blobPath } from "./paths.ts";
import { makeCacheFolders, writeStagedFile } from "./staged_file.ts";
import { isOpen, type OpenStore, type Store } from "./store.ts";
import { statFile, statusOf, type StoredFile } from "./stored_file.ts";

/** Manifests and configurations are smaller by far; skopeo takes none above 4 MiB. */
const largestDocument = 32 * 1024 * 1024;

/** A blob of which the size need not be known. */
export interface Document {
  readonly digest: Digest;
  readonly sizeBytes?: number;
}

export interface StoredBlob extends StoredFile {
  readonly digest: Digest;
}

/** Whether a blob is there, in its full size. Its bytes are compared where they are used. */
export function hasBlob(store: Store, { digest, sizeBytes }: Document): boolean {
  const found = statusOf(blobPath(store.paths, digest));
  if (found?.isFile() !== true) return false;
  return sizeBytes === undefined || found.size === sizeBytes;
}

/**
 * The bytes of a manifest or a configuration, compared with digest and size.
 *
 * @returns undefined when it is not there; a damaged one is reported and, in an
 * open store, thrown out.
 */
export function readVerified(store: Store, document: Document): Uint8Array | undefined {
  const { digest, sizeBytes } = document;
  const path = blobPath(store.paths, digest);
  const found = statusOf(path);
  if (found === undefined) return undefined;
  const isRight = found.isFile() && found.size <= largestDocument;
  const bytes = isRight ? readFileIfPresent(path) : undefined;
  if (isRight && bytes === undefined) return undefined;
  const fits = sizeBytes === undefined || bytes?.length === sizeBytes;
  if (bytes !== undefined && fits && digestOf(bytes, digestAlgorithm(digest)) === digest) {
    return bytes;
  }
  throwOut(store, digest, found.ino);
  return undefined;
}

/**
 * Stores the bytes of a manifest or a configuration.
 *
 * @throws {MbctlError} (tool) when they are not those of the digest.
 */
export function writeBlob(store: OpenStore, digest: Digest, bytes: Uint8Array): void {
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) {
    throw new MbctlError("tool", `Cannot store the blob "${digest}": its digest is ${actual}`);
  }
  if (readVerified(store, { digest, sizeBytes: bytes.length }) !== undefined) return;
  const path = blobPath(store.paths, digest);
  makeBlobFolders(store, digest);
  const folder = store.paths.partial;
  writeStagedFile(path, bytes, { mode: 0o600, folder, isDurable: false });
}

/** Throws a blob out that turned out wrong when it was used. None is no error. */
export function discardBlob(store: OpenStore, digest: Digest): void {
  const found = statusOf(blobPath(store.paths, digest));
  if (found !== undefined) throwOut(store, digest, found.ino);
}

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told how many more bytes were read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Hashes a blob. A damaged one is reported and, in an open store, thrown out.
 *
 * @throws {MbctlError} (interrupted).
 */
export async function checkBlob(
  store: Store,
  { digest, sizeBytes }: Document,
  { signal, onBytes }: CheckOptions = {},
): Promise<"right" | "damaged" | "missing"> {
  const path = blobPath(store.paths, digest);
  const found = statusOf(path);
  if (found === undefined) return "missing";
  if (found.isFile() && (sizeBytes === undefined || found.size === sizeBytes)) {
    const hasher = new Bun.CryptoHasher(digestAlgorithm(digest));
    const buffer = new Uint8Array(1024 * 1024);
    const file = openSync(path, "r");
    try {
      for (let at = 0; ;) {
        const bytes = readSync(file, buffer, 0, buffer.length, at);
        if (bytes === 0) break;
        at += bytes;
        hasher.update(buffer.subarray(0, bytes));
        onBytes?.(bytes);
        // A turn of the event loop, so that Ctrl-C is heard.
        await new Promise(setImmediate);
        if (signal?.aborted) throw interrupted();
      }
    } finally {
      closeSync(file);
    }
    if (`${digestAlgorithm(digest)}:${hasher.digest("hex")}` === digest) return "right";
  }
  throwOut(store, digest, found.ino);
  return "damaged";
}

/** All blobs, sorted by digest, and what else stands in their folders. */
export function listBlobs(store: Store): { blobs: StoredBlob[]; strangers: StoredFile[] } {
  const blobs: StoredBlob[] = [];
  const strangers: StoredFile[] = [];
  for (const algorithm of listDirectory(store.paths.blobs)) {
    const folder = join(store.paths.blobs, algorithm);
    const names = listDirectory(folder);
    if (names.length === 0) strangers.push(...statFile(folder, "file"));
    for (const name of names) {
      const digest = `${algorithm}:${name}`;
      for (const file of statFile(join(folder, name))) {
        if (whyNoDigest(digest) === undefined) blobs.push({ ...file, digest: digest as Digest });
        else strangers.push(file);
      }
    }
  }
  return { blobs, strangers };
}

/** Makes the folders that a blob and its download need. */
export function makeBlobFolders(store: OpenStore, digest: Digest): void {
  makeCacheFolders(store.paths);
  makeDirectory(store.paths.blobs, 0o700);
  makeDirectory(dirname(blobPath(store.paths, digest)), 0o700);
}

/** Removes the very file that was found damaged, not one that has replaced it meanwhile. */
function throwOut(store: Store, digest: Digest, inode: number): void {
  const path = blobPath(store.paths, digest);
  const isThere = statusOf(path)?.ino === inode;
  if (isOpen(store) && isThere) removeFile(path);
  store.onDamage(
    `the blob ${digest} is damaged${isOpen(store) ? ": it was removed, and is fetched again when it is needed" : ""}`,
  );
}

function readFileIfPresent(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
