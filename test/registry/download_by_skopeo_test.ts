/** The table of faults once more, with skopeo as the source of the blobs. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Digest, digestOf } from "../../lib/image/digest.ts";
import { parseImageRef } from "../../lib/image/reference.ts";
import { openImage } from "../../lib/registry/open_image.ts";
import { bounds, faultRows, fileSink, outcome } from "./_fault_table.ts";
import { canServe, type RegistryBehind, startRegistryBehind } from "./_registry_behind.ts";
import { canFetch, options, run, spawn, workshop } from "./_workshop.ts";
import { startFaultyRegistry } from "./faulty_registry.ts";

const { path } = workshop();
const blob = crypto.getRandomValues(new Uint8Array(60_000));

let behind: RegistryBehind;
let digest: Digest;
beforeAll(async () => {
  if (!canServe) return;
  behind = await startRegistryBehind(path("behind"));
  [digest = digestOf("")] = await behind.putImage("a/faulty", [blob]);
});
afterAll(async () => await behind?.stop());

describe.skipIf(!canServe || !canFetch)("downloadBlob() through skopeo", () => {
  for (const row of faultRows(blob).filter(({ isHttpAlone }) => !isHttpAlone)) {
    test.concurrent(
      `comes to a good or a bounded end: ${row.name}`,
      async () => {
        const registry = await startFaultyRegistry(behind);
        try {
          const ref = parseImageRef(`${registry.host}/a/faulty`);
          await using opened = await openImage({ run, spawn }, ref, options);
          registry.fail(row.faults, row.times);
          const began = performance.now();
          const found = await outcome(opened.blobs, digest, blob, fileSink(path("*")), row.options);
          if (row.error === undefined) expect(found).toBe("the blob");
          else expect(found).toMatch(row.error);
          expect(performance.now() - began).toBeLessThan(bounds.totalMs);
        } finally {
          registry.stop();
        }
      },
      30_000,
    );
  }
});
