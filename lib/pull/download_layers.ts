/**
 * The layers of an image on their way into the store: some at once, lowest
 * first, and each readable while it still arrives.
 *
 * @module
 */

import type { BlobSource } from "../image/blob_source.ts";
import type { Digest } from "../image/digest.ts";
import type { LayerDescriptor } from "../image/manifest.ts";
import type { ImageRef } from "../image/reference.ts";
import type { LayerBytes } from "../layers/feed_layer.ts";
import { downloadBlob } from "../registry/download_blob.ts";
import { blobPath } from "../store/paths.ts";
import { beginBlob, type PartialBlob } from "../store/partial_blob.ts";
import { follow, followBlob } from "../store/follow.ts";
import type { OpenStore } from "../store/store.ts";
import type { LayerWatcher } from "./progress.ts";

/** How many layers arrive at once: one connection seldom fills a line. */
const parallel = 3;

/**
 * A layer of some size has the line and the processor for itself at first: from a
 * registry nearby it is there by then, and is applied while the next one arrives.
 */
const headStartMs = 1000;
const headStartBytes = 8 << 20;

/** Bytes of a layer that are read at once while it arrives. */
const followBytes = 1 << 20;

export interface DownloadOptions {
  readonly store: OpenStore;
  /** Whose layers they are, for errors. */
  readonly image: ImageRef;
  /** Where blobs come from, the fastest first; asked for when the first one is missing. */
  readonly sources: () => Promise<readonly BlobSource[]>;
  readonly watch: LayerWatcher;
  readonly signal?: AbortSignal | undefined;
}

/** One layer on its way. */
interface Arrival {
  /** Resolves when it is known where its bytes are: in the store, or in a file that grows. */
  readonly opened: Promise<PartialBlob | "present">;
  /** Resolves when it is in the store. */
  readonly done: Promise<void>;
  /** Resolves when the next layer may begin, if there are not too many. */
  readonly headStart: Promise<void>;
}

/** Downloads under way. Disposing of it stops them; what has arrived is kept for the next run. */
export class LayerDownloads implements AsyncDisposable {
  readonly #options: DownloadOptions;
  readonly #arrivals = new Map<Digest, Arrival>();
  readonly #stop = new AbortController();

  /** Begins to download what the store lacks of the layers. */
  constructor(layers: readonly LayerDescriptor[], options: DownloadOptions) {
    this.#options = options;
    const { signal } = options;
    if (signal?.aborted) this.#stop.abort();
    signal?.addEventListener("abort", () => this.#stop.abort(), { once: true });
    // A layer may stand in an image more than once (an empty one, mostly).
    const wanted = new Map(layers.map((layer) => [layer.digest, layer]));
    const begun: Arrival[] = [];
    for (const layer of wanted.values()) {
      const turn = Promise.all([begun.at(-1)?.headStart, begun.at(-parallel)?.done]);
      const arrival = this.#begin(layer, turn);
      begun.push(arrival);
      this.#arrivals.set(layer.digest, arrival);
    }
  }

  /** The compressed bytes of a layer: a whole file, or the bytes as they arrive. */
  async open(layer: LayerDescriptor): Promise<LayerBytes> {
    const partial = await this.#arrival(layer).opened;
    if (partial === "present" || partial.state().end === "committed") {
      return { path: blobPath(this.#options.store.paths, layer.digest) };
    }
    const growing = followBlob(partial);
    return {
      growing,
      // Whoever decompresses has taken a chunk before it asks for the next.
      [Symbol.asyncIterator]: () => follow(partial, { buffer: new Uint8Array(followBytes) }),
    };
  }

  /** Resolves when all layers are in the store; throws the first failure. */
  async done(): Promise<void> {
    await Promise.all([...this.#arrivals.values()].map(({ done }) => done));
  }

  /** Whether a layer was in the store already: then nobody has compared it with its digest in this run. */
  async wasThere(layer: LayerDescriptor): Promise<boolean> {
    return (await this.#arrival(layer).opened) === "present";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([...this.#arrivals.values()].map(({ done }) => done));
  }

  #arrival(layer: LayerDescriptor): Arrival {
    const arrival = this.#arrivals.get(layer.digest);
    if (arrival === undefined) throw new TypeError(`${layer.digest} is none of these layers`);
    return arrival;
  }

  #begin(layer: LayerDescriptor, turn: Promise<unknown>): Arrival {
    const { promise: opened, resolve, reject } = Promise.withResolvers<PartialBlob | "present">();
    const done = this.#download(layer, turn, resolve);
    done.catch(reject);
    const isLarge = layer.sizeBytes >= headStartBytes;
    const headStart = opened.then(() => (isLarge ? atMost(headStartMs, done) : undefined));
    // Whoever waits for one hears of the failure; nobody need wait for each of them.
    for (const promise of [opened, headStart]) promise.catch(() => {});
    return { opened, done, headStart };
  }

  async #download(
    layer: LayerDescriptor,
    turn: Promise<unknown>,
    onOpen: (partial: PartialBlob | "present") => void,
  ): Promise<void> {
    await turn;
    const { store, image, sources, watch } = this.#options;
    const signal = this.#stop.signal;
    const partial = await beginBlob(store, layer, {
      signal,
      onWait: (text) => watch.note(layer, text),
    });
    if (partial === "present") {
      watch.present(layer);
      onOpen(partial);
      return;
    }
    using held = partial;
    try {
      const blobs = await sources();
      onOpen(held);
      await downloadBlob(blobs, layer, watched(held, layer, watch), { signal, image });
      held.commit();
      watch.done(layer);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      held.fail(reason);
      watch.failed(layer);
      throw error;
    }
  }
}

/** Waits for some work, but not longer than this; no timer is left behind, which would hold up our end. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The sink of a download that tells how far it is. */
function watched(partial: PartialBlob, layer: LayerDescriptor, watch: LayerWatcher) {
  watch.arrived(layer, partial.sizeBytes);
  return {
    path: partial.path,
    get sizeBytes() {
      return partial.sizeBytes;
    },
    append(chunk: Uint8Array) {
      partial.append(chunk);
      watch.arrived(layer, partial.sizeBytes);
    },
    restart() {
      partial.restart();
      watch.arrived(layer, 0);
    },
  };
}
