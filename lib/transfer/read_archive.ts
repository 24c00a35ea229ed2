/**
 * Reads an archive from its beginning to its end, as it arrives: nothing in it is trusted. Its parts are unpacked by
 * the reader of images' layers, which follows no name out of its folder.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { interrupted, requireProgram } from "../host/run.ts";
import type { Spawn } from "../host/spawn.ts";
import { BLOCK_BYTES, paddingBytes } from "../image/ustar.ts";
import { applyLayers } from "../layers/apply_layers.ts";
import { DamagedLayerError } from "../layers/damaged_layer.ts";
import { LayerError } from "../layers/layer_error.ts";
import { isZeroBlock, parseTarHeader } from "../layers/tar_header.ts";
import {
  type ArchiveManifest,
  type ArchivePart,
  manifestBytes,
  manifestFile,
  parseManifest,
  partFile,
} from "./archive_manifest.ts";

export interface UnpackOptions {
  readonly spawn: Spawn;
  readonly signal?: AbortSignal | undefined;
  /** Told how many compressed bytes of the part have been read. */
  readonly onProgress?: ((bytes: number, ofBytes: number) => void) | undefined;
  /** Told what could not be kept. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** An archive that is being read. */
export class ArchiveReader {
  /** For messages. */
  readonly archive: string;
  readonly #bytes: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();
  /** Why it cannot be read on. */
  #failure: MbctlError | undefined;

  /** Rejects when the user stops us: standard input may never say anything. */
  readonly #stopped: Promise<never> | undefined;

  constructor(bytes: AsyncIterable<Uint8Array>, archive: string, signal?: AbortSignal) {
    this.archive = archive;
    this.#bytes = bytes[Symbol.asyncIterator]();
    if (signal === undefined) return;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    signal.addEventListener("abort", () => reject(interrupted()));
    this.#stopped = promise;
  }

  /**
   * Reads the manifest; comes first.
   *
   * @throws {MbctlError} (usage) when it is no archive of a machine, or damaged.
   */
  async manifest(): Promise<ArchiveManifest> {
    const sizeBytes = await this.#header(manifestFile);
    if (sizeBytes !== manifestBytes) throw this.fail("it is no archive of a machine");
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#take(sizeBytes)) chunks.push(chunk.slice());
    return parseManifest(Buffer.concat(chunks).toString(), this.archive);
  }

  /**
   * Unpacks the next part.
   *
   * @param folder exists, is empty, and nobody else's. After a failure it may hold litter.
   * @throws {MbctlError} (usage) when it is damaged, or holds what it must not; (host) when the disk is full.
   */
  async unpack(part: ArchivePart, folder: string, options: UnpackOptions): Promise<void> {
    requireProgram("setpriv");
    const sizeBytes = await this.#header(partFile(part.name));
    const layer = {
      digest: part.digest,
      diffId: part.digest,
      sizeBytes,
      open: async () => this.#take(sizeBytes),
    };
    try {
      await applyLayers([layer], folder, {
        spawn: options.spawn,
        signal: options.signal,
        hasWhiteouts: false,
        // A tar's size is known; a bomb is bigger than it says.
        maxPlainBytes: part.sizeBytes,
        onProgress: (_, done) => options.onProgress?.(done, sizeBytes),
        onWarning: options.onWarning,
      });
    } catch (error) {
      const isOther = !(error instanceof MbctlError) || error.kind === "interrupted";
      if (isOther || error === this.#failure) throw error;
      const state = `its ${part.name} cannot be unpacked`;
      throw new MbctlError(error.kind, `Cannot read the archive ${this.archive}: ${state}`, {
        hint: error instanceof DamagedLayerError ? "copy it again" : error.hint,
        cause: error,
      });
    }
    for await (const _ of this.#take(paddingBytes(sizeBytes))) {
      // Nobody wants it.
    }
  }

  /** @throws {MbctlError} (usage) when something stands behind the last part. */
  async end(): Promise<void> {
    for (let count = 0; count < 2; count++) {
      if (!isZeroBlock(await this.#block(), 0)) throw this.fail("it holds more than it says");
    }
  }

  /** The size of the next file, which must have this name. */
  async #header(name: string): Promise<number> {
    const block = await this.#block();
    try {
      const header = parseTarHeader(block, 0);
      if (header.name === name && header.type === "0" && header.sizeBytes >= 0) {
        return header.sizeBytes;
      }
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
    }
    throw this.fail(
      name === manifestFile ? "it is no archive of a machine" : `its file ${name} is not there`,
    );
  }

  async #block(): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#take(BLOCK_BYTES)) chunks.push(chunk.slice());
    return Buffer.concat(chunks);
  }

  /** The next so many bytes, as they come. */
  async *#take(count: number): AsyncGenerator<Uint8Array, void, void> {
    for (let left = count; left > 0;) {
      if (this.#rest.length === 0) {
        const next = this.#bytes.next();
        const { value, done } = await (this.#stopped === undefined
          ? next
          : Promise.race([next, this.#stopped]));
        if (done === true) throw this.fail("it ends too early", "copy it again");
        this.#rest = value;
        continue;
      }
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }

  /** The error for an archive that is not as it should be. */
  fail(state: string, hint?: string): MbctlError {
    const message = `Cannot read the archive ${this.archive}: ${state}`;
    this.#failure = new MbctlError("usage", message, { hint });
    return this.#failure;
  }
}
