/**
 * Blobs by way of skopeo: of every transport that it knows, with its accounts,
 * mirrors and certificates.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { CommandError } from "../host/run.ts";
import type { Spawn } from "../host/spawn.ts";
import type { BlobId, BlobSource, BlobStream } from "../image/blob_source.ts";
import type { Digest } from "../image/digest.ts";
import { skopeoSource } from "../image/reference.ts";
import { changed } from "./check_policy.ts";
import { type ProxyImage, SkopeoProxy } from "./skopeo_proxy.ts";
import { proxyCommand, type Source, skopeoFailure } from "./skopeo.ts";

/** How long a blob waits for a proxy that is being asked something else. */
const patienceMs = 300;

const seeCommands = "run the command again with -v to see every command as one line";

/** A proxy that has the image open. */
export interface OpenProxy {
  readonly proxy: SkopeoProxy;
  readonly image: ProxyImage;
}

/** Starts a proxy, and has it open an image. */
export async function openProxy(spawn: Spawn, source: Source): Promise<OpenProxy> {
  const proxy = await SkopeoProxy.start(spawn, proxyCommand(source), source.signal);
  try {
    return { proxy, image: await proxy.openImage(skopeoSource(source.ref)) };
  } catch (error) {
    proxy[Symbol.dispose]();
    throw error;
  }
}

/**
 * The blobs of an image. One proxy streams as many as are asked for at once;
 * another is started only where it is stuck, or gone. skopeo cannot begin a blob in its
 * middle: every stream begins at 0. Disposing of it ends all streams.
 */
export class ProxyBlobs implements BlobSource, Disposable {
  readonly #spawn: Spawn;
  readonly #source: Source;
  readonly #manifestDigest: Digest;
  #open: OpenProxy[];
  #starting: Promise<OpenProxy> | undefined;

  /** @param first a proxy that has the image of that manifest open. */
  constructor(spawn: Spawn, source: Source, manifestDigest: Digest, first: OpenProxy) {
    this.#spawn = spawn;
    this.#source = source;
    this.#manifestDigest = manifestDigest;
    this.#open = [first];
  }

  async open(blob: BlobId, _offset: number, signal?: AbortSignal): Promise<BlobStream> {
    try {
      const { proxy, image } = await this.#freeProxy();
      return { offset: 0, chunks: this.#explained(await proxy.openBlob(image, blob, signal)) };
    } catch (error) {
      throw this.#explain(error);
    }
  }

  [Symbol.dispose](): void {
    for (const { proxy } of this.#open.splice(0)) proxy[Symbol.dispose]();
    this.#starting?.then(({ proxy }) => proxy[Symbol.dispose]()).catch(() => {});
  }

  async #freeProxy(): Promise<OpenProxy> {
    const began = performance.now();
    for (;;) {
      this.#open = this.#open.filter(({ proxy }) => proxy.isOpen);
      const free = this.#open.find(({ proxy }) => proxy.isIdle);
      if (free !== undefined) return free;
      if (this.#open.length === 0 || performance.now() - began > patienceMs) break;
      await Bun.sleep(2);
    }
    // Whoever comes meanwhile takes the same one.
    this.#starting ??= this.#startAnother().finally(() => {
      this.#starting = undefined;
    });
    return await this.#starting;
  }

  async #startAnother(): Promise<OpenProxy> {
    const another = await openProxy(this.#spawn, this.#source);
    // A tag may name another image by now.
    const { digest } = await another.proxy.readManifest(another.image);
    if (digest !== this.#manifestDigest) {
      another.proxy[Symbol.dispose]();
      throw changed(this.#source.image);
    }
    this.#open.push(another);
    return another;
  }

  async *#explained(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    try {
      yield* chunks;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    return explainProxy(error, "fetch", this.#source);
  }
}

/** A failure of a proxy as its user sees it. */
export function explainProxy(error: unknown, action: "read" | "fetch", source: Source): unknown {
  if (error instanceof MbctlError && !(error instanceof CommandError)) return error;
  const said = error instanceof CommandError ? error.result.stderr : "";
  const words = said !== "" ? said : error instanceof Error ? error.message : String(error);
  return skopeoFailure(action, source, words, seeCommands);
}
