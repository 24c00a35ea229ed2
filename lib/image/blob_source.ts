/**
 * Where the bytes of blobs come from: a registry over HTTP, or whatever skopeo
 * can open.
 *
 * @module
 */

import type { Descriptor } from "./manifest.ts";

/** What names a blob. */
export type BlobId = Pick<Descriptor, "digest" | "sizeBytes">;

/** The bytes of one blob. Nothing in them is verified yet. */
export interface BlobStream {
  /** Where they begin: at the offset asked for, or at 0 when the source cannot resume. */
  readonly offset: number;
  /** Each is good until the next one is asked for: sources read into the same memory again. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface BlobSource {
  /**
   * Opens a blob.
   *
   * @param offset how many bytes of it are there already.
   * @param signal ends the transfer; the stream then throws.
   */
  open(blob: BlobId, offset: number, signal?: AbortSignal): Promise<BlobStream>;
}
