/**
 * Layers -> a root tree, on two processors: decompression runs beside the process
 * that writes.
 *
 * @module
 */

import { closeSync } from "node:fs";
import { MbctlError } from "../errors.ts";
import { interrupted } from "../host/run.ts";
import type { Spawn } from "../host/spawn.ts";
import type { Digest } from "../image/digest.ts";
import { type Applier, type Outcome, startApplier } from "./applier.ts";
import { DamagedLayerError } from "./damaged_layer.ts";
import type { Decompressors } from "./decompressor.ts";
import { feedLayer, type LayerBytes, SourceError } from "./feed_layer.ts";

/** A layer, and where its bytes are. */
export interface LayerSource {
  /** Names it to people: what it hashes to is not asked, the diff_id decides. */
  readonly digest: Digest;
  /** What its plain tar stream must hash to. */
  readonly diffId: Digest;
  /** Compressed bytes. */
  readonly sizeBytes: number;
  /** Called once, when the layer is wanted. Its errors come out as they are. */
  open(): Promise<LayerBytes>;
}

export interface ApplyOptions {
  readonly spawn: Spawn;
  readonly signal?: AbortSignal | undefined;
  /** Told which layer (from 0) is at how many of its compressed bytes. */
  readonly onProgress?: ((layer: number, compressedBytesDone: number) => void) | undefined;
  /** Told what could not be kept of the image. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** `any` (default): a program of the host where that is faster. */
  readonly decompressors?: Decompressors | undefined;
  /** False for plain archives, in which `.wh.` begins a name like any other. */
  readonly hasWhiteouts?: boolean | undefined;
  /** More plain bytes of one layer are refused; by default what its compressed size makes likely. */
  readonly maxPlainBytes?: number | undefined;
}

/** What was applied. */
export interface AppliedTree {
  readonly entries: number;
  /** What the tree takes on the disk, give or take the file system's own ways. */
  readonly allocatedBytes: number;
}

/** A layer may unpack to so many times its size, and to this much in any case. Real ones stay below ten times. */
const maxRatio = 100;
const leastMaxPlainBytes = 1024 ** 3;

/**
 * Applies layers, lowest first, to an empty directory, and compares each with its
 * diff_id. Nothing outside of the directory changes, whatever the layers hold.
 * After a failure it may hold litter: the caller removes it.
 *
 * @param tree exists, is empty and on the file system that shall have it; nobody else may have access.
 * @throws {DamagedLayerError} when a layer is not what its diff_id says.
 * @throws {MbctlError} "usage" when a layer holds what is not allowed, "host" when
 * the disk is full, "interrupted".
 */
export async function applyLayers(
  layers: readonly LayerSource[],
  tree: string,
  options: ApplyOptions,
): Promise<AppliedTree> {
  const { spawn, signal, maxPlainBytes, hasWhiteouts } = options;
  if (signal?.aborted) throw interrupted();
  const request = {
    tree,
    hasWhiteouts,
    layers: layers.map(({ diffId, sizeBytes }) => ({
      diffId,
      maxPlainBytes: maxPlainBytes ?? Math.max(sizeBytes * maxRatio, leastMaxPlainBytes),
    })),
  };
  const warned = new Set<string>();
  using applier = startApplier(request, spawn, (text) => {
    if (!warned.has(text)) options.onWarning?.(text);
    warned.add(text);
  });
  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => {});
  const onAbort = () => {
    stop.reject(interrupted());
    applier[Symbol.dispose]();
  };
  signal?.addEventListener("abort", onAbort);
  const feeding = new Feeding(layers, applier, options, stop.promise);
  try {
    const outcome = await Promise.race([applier.outcome, feeding.failed]);
    // What still feeds is of no use: an applier that is done has read all it wants.
    stop.reject(new Error("The applying process has ended"));
    await feeding.done;
    if ("done" in outcome) return outcome.done;
    throw failureError(outcome.failure, layers, tree, feeding.troubles);
  } catch (error) {
    stop.reject(error);
    applier[Symbol.dispose]();
    await Promise.all([feeding.done, applier.outcome.catch(() => {})]);
    if (signal?.aborted) throw interrupted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Feeds the layers, one after the other; a whole file is begun while the one before it is still read. */
class Feeding {
  /** Why layers could not be decompressed, by their place. */
  readonly troubles = new Map<number, Error>();
  /** Rejects when bytes of a layer could not be had, with the error of who should have given them. */
  readonly failed: Promise<never>;
  /** Resolves when nothing feeds any more. */
  readonly done: Promise<void>;
  readonly #applier: Applier;
  readonly #options: ApplyOptions;
  readonly #stopped: Promise<never>;

  constructor(
    layers: readonly LayerSource[],
    applier: Applier,
    options: ApplyOptions,
    stopped: Promise<never>,
  ) {
    this.#applier = applier;
    this.#options = options;
    this.#stopped = stopped;
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    this.failed = failed.promise;
    this.done = this.#feedAll(layers).catch((error: unknown) => {
      failed.reject(error instanceof SourceError ? error.cause : error);
    });
  }

  async #feedAll(layers: readonly LayerSource[]): Promise<void> {
    let next = 0;
    let before: Promise<void> = Promise.resolve();
    try {
      for (const [place, layer] of layers.entries()) {
        const bytes = await Promise.race([layer.open().catch(toSourceError), this.#stopped]);
        // A file costs nobody anything while it waits in its pipe. Chunks would: they wait for the one before.
        const isFile = "path" in bytes;
        if (!isFile) await before;
        next = place + 1;
        const fed = this.#feed(place, bytes, layer.sizeBytes);
        await before;
        before = fed;
        before.catch(() => {});
      }
      await before;
    } finally {
      await before.catch(() => {});
      for (const pipe of this.#applier.pipes.slice(next)) closeSync(pipe);
    }
  }

  async #feed(place: number, bytes: LayerBytes, sizeBytes: number): Promise<void> {
    const pipe = this.#applier.pipes[place];
    if (pipe === undefined) throw new TypeError(`there is no pipe for layer ${place}`);
    const { spawn, decompressors = "any", onProgress } = this.#options;
    try {
      await feedLayer(bytes, pipe, {
        spawn,
        decompressors,
        sizeBytes,
        stopped: this.#stopped,
        onBytes: (done) => onProgress?.(place, done),
      });
    } catch (error) {
      if (error instanceof SourceError || !(error instanceof Error)) throw error;
      // Whether it matters is for the applying process to say: it compares what came through.
      this.troubles.set(place, error);
    }
  }
}

function toSourceError(error: unknown): never {
  throw new SourceError("A layer could not be opened", { cause: error });
}

function failureError(
  failure: Extract<Outcome, { failure: unknown }>["failure"],
  layers: readonly LayerSource[],
  tree: string,
  troubles: ReadonlyMap<number, Error>,
): MbctlError {
  const { kind, state, entry } = failure;
  const digest = layers[failure.layer]?.digest;
  const shown =
    entry === undefined ? undefined : JSON.stringify(Buffer.from(entry, "latin1").toString());
  const where = shown === undefined ? state : `entry ${shown}: ${state}`;
  if (digest === undefined) return new MbctlError("failed", `Cannot make "${tree}": ${state}`);
  if (kind === "damaged") {
    const trouble = troubles.get(failure.layer);
    return trouble === undefined
      ? new DamagedLayerError(digest, where)
      : new DamagedLayerError(digest, "it cannot be decompressed", { cause: trouble });
  }
  const message = `Cannot apply layer ${JSON.stringify(digest)}: ${where}`;
  if (kind === "full") {
    return new MbctlError("host", message, {
      hint: `make room on the file system of ${tree}, for instance: mbctl cache prune`,
    });
  }
  return new MbctlError(kind === "refused" ? "usage" : "failed", message);
}
