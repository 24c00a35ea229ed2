/**
 * How far a fetch is, seen from outside: skopeo tells without a terminal only
 * which layers it begins, so the files that it writes are measured.
 *
 * @module
 */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex } from "./digest.ts";

/** One layer of a fetch. */
export interface LayerProgress {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly state: "waiting" | "fetching" | "done";
  /** Exact when waiting or done; while several layers arrive at once, a good guess. */
  readonly doneBytes: number;
}

/** A snapshot of a fetch. */
export interface FetchProgress {
  /** In the manifest's order; a layer that is listed twice is here once. */
  readonly layers: readonly LayerProgress[];
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A layer to watch for. */
export interface AwaitedLayer {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The name of the finished file: the digest of what is stored. */
  readonly stored: Digest;
}

/** Files that skopeo has in work: in a layout, in a folder (names in 1.9.3 to 1.22). */
const partFile = /^(?:oci|dir)-put-blob/;

export interface Watch {
  /** Takes a line of skopeo's output. */
  readonly onLine: (line: string) => void;
  /** Ends the watch; after success everything counts as done. */
  readonly stop: (succeeded: boolean) => void;
}

/**
 * Watches a fetch and tells about every change, five times a second at most.
 *
 * @param partDir where unfinished files grow.
 * @param doneDir where finished blobs are, named by their hexadecimal digest.
 */
export function watchFetch(
  layers: readonly AwaitedLayer[],
  partDir: string,
  doneDir: string,
  onProgress: (progress: FetchProgress) => void,
): Watch {
  const unique = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
  const begun: Digest[] = [];
  let last = "";
  let isStopped = false;
  let isBusy = false;

  const tell = (done: ReadonlySet<string>, parts: readonly number[]) => {
    const progress = snapshot(unique, begun, done, parts);
    const text = JSON.stringify(progress);
    if (text === last) return;
    last = text;
    onProgress(progress);
  };
  const look = async () => {
    if (isBusy) return;
    isBusy = true;
    const done = new Set(await list(doneDir));
    const parts = await partSizes(partDir);
    isBusy = false;
    if (!isStopped) tell(done, parts);
  };
  const timer = setInterval(look, 200);
  tell(new Set(), []);
  return {
    onLine(line) {
      const hex = /^Copying blob (?:sha(?:256|512):)?([0-9a-f]{12,})/.exec(line)?.[1];
      const layer = hex && unique.find((each) => digestHex(each.digest).startsWith(hex));
      if (layer && !begun.includes(layer.digest)) begun.push(layer.digest);
    },
    stop(succeeded) {
      isStopped = true;
      clearInterval(timer);
      if (succeeded) tell(new Set(unique.map((layer) => digestHex(layer.stored))), []);
    },
  };
}

/** Puts the observations together; parts belong to the begun layers, oldest first. */
function snapshot(
  layers: readonly AwaitedLayer[],
  begun: readonly Digest[],
  done: ReadonlySet<string>,
  parts: readonly number[],
): FetchProgress {
  const running = begun.filter((digest) =>
    layers.some((layer) => layer.digest === digest && !done.has(digestHex(layer.stored))),
  );
  const list = layers.map(({ digest, sizeBytes, stored }): LayerProgress => {
    if (done.has(digestHex(stored)))
      return { digest, sizeBytes, state: "done", doneBytes: sizeBytes };
    const place = running.indexOf(digest);
    if (place < 0) return { digest, sizeBytes, state: "waiting", doneBytes: 0 };
    const doneBytes = Math.min(parts[place] ?? 0, sizeBytes);
    return { digest, sizeBytes, state: "fetching", doneBytes };
  });
  return {
    layers: list,
    doneBytes: list.reduce((sum, layer) => sum + layer.doneBytes, 0),
    totalBytes: list.reduce((sum, layer) => sum + layer.sizeBytes, 0),
  };
}

/** The sizes of the unfinished files, oldest first. */
async function partSizes(directory: string): Promise<number[]> {
  const files = (await list(directory)).filter((name) => partFile.test(name));
  const stats = await Promise.all(
    files.map((name) => stat(join(directory, name)).catch(() => undefined)),
  );
  return stats
    .filter((file) => file !== undefined)
    .sort((a, b) => a.birthtimeMs - b.birthtimeMs)
    .map((file) => file.size);
}

/** The names in a folder; a folder that is not there yet has none. */
async function list(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => []);
}
