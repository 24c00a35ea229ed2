import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BlobSource } from "../../lib/image/blob_source.ts";
import { digestOf } from "../../lib/image/digest.ts";
import { ociLayer } from "../../lib/image/media_types.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { LayerDownloads } from "../../lib/pull/download_layers.ts";
import { silentWatcher } from "../../lib/pull/progress.ts";
import { openStore } from "../../lib/store/store.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-downloads-"));
});
afterAll(() => rmSync(root, { recursive: true }));

test("LayerDownloads brings large layers into the store, and leaves no timer that would hold up our end", async () => {
  const blobs = ["a", "b"].map((letter) => Buffer.alloc(9 << 20, letter));
  const layers = blobs.map((blob) => ({
    mediaType: ociLayer,
    digest: digestOf(blob),
    sizeBytes: blob.length,
    compression: "none" as const,
  }));
  const source: BlobSource = {
    async open({ digest }, offset) {
      const blob = blobs.find((each) => digestOf(each) === digest);
      return {
        offset,
        chunks: (async function* () {
          yield blob?.subarray(offset) ?? Buffer.of();
        })(),
      };
    },
  };
  using set = spyOn(globalThis, "setTimeout");
  using cleared = spyOn(globalThis, "clearTimeout");
  using store = await openStore(root, "shared");
  const image = parseImageRef("example.org/app:1");
  const options = { store, image, sources: async () => [source], watch: silentWatcher };
  {
    await using downloads = new LayerDownloads(layers, options);
    await downloads.done();
    for (const [place, layer] of layers.entries()) {
      const bytes = await downloads.open(layer);
      expect("path" in bytes && readFileSync(bytes.path).equals(blobs[place] ?? Buffer.of())).toBe(
        true,
      );
    }
  }
  const headStarts = set.mock.results.filter((_, call) => set.mock.calls[call]?.[1] === 1000);
  expect(headStarts.length).toBeGreaterThan(0);
  const ended: unknown[] = cleared.mock.calls.map(([timer]) => timer);
  expect(headStarts.filter(({ value }) => !ended.includes(value))).toEqual([]);
});
