import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { BlobSource } from "../../lib/image/blob_source.ts";
import { type Digest, digestOf } from "../../lib/image/digest.ts";
import { parseImageRef, type RegistryRef } from "../../lib/image/reference.ts";
import { BlobFault } from "../../lib/registry/blob_fault.ts";
import { downloadBlob } from "../../lib/registry/download_blob.ts";
import { httpBlobs } from "../../lib/registry/http_blobs.ts";
import { bounds, faultRows, fileSink, outcome } from "./_fault_table.ts";
import { canServe, type RegistryBehind, startRegistryBehind } from "./_registry_behind.ts";
import { workshop } from "./_workshop.ts";
import { type FaultyRegistry, resetAfter, startFaultyRegistry } from "./faulty_registry.ts";

const { path } = workshop();
const repository = "a/faulty";
const blob = new Uint8Array(300_000);
for (let at = 0; at < blob.length; at += 60_000)
  crypto.getRandomValues(blob.subarray(at, at + 60_000));

let behind: RegistryBehind;
let digest: Digest;
beforeAll(async () => {
  if (!canServe) return;
  behind = await startRegistryBehind(path("behind"));
  [digest = digestOf("")] = await behind.putImage(repository, [blob]);
});
afterAll(async () => await behind?.stop());

const refOf = (registry: FaultyRegistry) =>
  parseImageRef(`${registry.host}/${repository}`) as RegistryRef;
const plain = { account: undefined, tlsVerify: false, authorities: undefined };
const sourceOf = (registry: FaultyRegistry) => httpBlobs(refOf(registry), plain);
const requestsFor = ({ seen }: FaultyRegistry) =>
  seen.filter((one) => one.path.includes(digest)).length;

describe.skipIf(!canServe)("downloadBlob() over HTTP", () => {
  for (const row of faultRows(blob)) {
    test.concurrent(
      `comes to a good or a bounded end: ${row.name}`,
      async () => {
        const registry = await startFaultyRegistry(behind);
        try {
          registry.fail(row.faults, row.times);
          const began = performance.now();
          const found = await outcome(
            sourceOf(registry),
            digest,
            blob,
            fileSink(path("*"), blob.subarray(0, blob.length * (row.present ?? 0))),
            row.options,
          );
          if (row.error === undefined) expect(found).toBe("the blob");
          else expect(found).toMatch(row.error);
          expect(found).not.toContain("skopeo");
          expect(performance.now() - began).toBeLessThan(bounds.totalMs);
          if (row.requests !== undefined) expect(requestsFor(registry)).toBe(row.requests);
        } finally {
          registry.stop();
        }
      },
      20_000,
    );
  }

  test("goes on from wherever it was cut, and never takes a wrong byte", async () => {
    const registry = await startFaultyRegistry(behind);
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
    const present = fc.nat(blob.length + 1000);
    try {
      await fc.assert(
        fc.asyncProperty(cuts, present, fc.boolean(), async (cuts, present, isSpoiled) => {
          registry.fail(cuts.map((cut) => resetAfter(cut)));
          const there = new Uint8Array(present);
          there.set(blob.subarray(0, present));
          if (isSpoiled && present > 0) there[present >> 1] = (there[present >> 1] ?? 0) ^ 1;
          const sink = fileSink(path("*"), there);
          const found = await outcome(sourceOf(registry), digest, blob, sink, { tries: 20 });
          expect(found).toBe("the blob");
        }),
        { numRuns: 40 },
      );
    } finally {
      registry.stop();
    }
  }, 20_000);

  test("asks for what is missing alone, and for nothing where all is there", async () => {
    const registry = await startFaultyRegistry(behind);
    try {
      const half = fileSink(path("*"), blob.subarray(0, 150_000));
      expect(await outcome(sourceOf(registry), digest, blob, half)).toBe("the blob");
      expect(registry.seen.at(-1)?.headers.range).toBe("bytes=150000-");
      registry.fail([]);
      expect(await outcome(sourceOf(registry), digest, blob, fileSink(path("*"), blob))).toBe(
        "the blob",
      );
      expect(registry.seen).toEqual([]);
    } finally {
      registry.stop();
    }
  });
});

describe("downloadBlob()", () => {
  const bytes = Buffer.from("some bytes");
  const wanted = digestOf(bytes);
  const giving = (content: Uint8Array): BlobSource => ({
    open: async (_, offset) => ({
      offset,
      chunks: (async function* () {
        yield content.subarray(offset);
      })(),
    }),
  });
  const failing = (fault: unknown): BlobSource & { count: number } => ({
    count: 0,
    async open() {
      this.count++;
      throw fault;
    },
  });

  test("takes the next source where one is unusable, or only breaks; not where the registry is busy", async () => {
    const rows: readonly (readonly [BlobFault, string, number])[] = [
      [new BlobFault("unusable", "no"), "the blob", 1],
      [new BlobFault("broken", "no"), "the blob", bounds.tries],
      [new BlobFault("busy", "no"), `Cannot fetch blob "${wanted}": no`, bounds.tries],
      [new BlobFault("final", "no"), `Cannot fetch blob "${wanted}": no`, 1],
    ];
    for (const [fault, expected, count] of rows) {
      const first = failing(fault);
      const told: string[] = [];
      const found = await outcome([first, giving(bytes)], wanted, bytes, fileSink(path("*")), {
        onNextSource: ({ message }) => void told.push(message),
      });
      expect([fault.verdict, found, first.count, told.length]).toEqual([
        fault.verdict,
        expected,
        count,
        expected === "the blob" ? 1 : 0,
      ]);
    }
  });

  test("verifies sha512 too, and a blob without bytes", async () => {
    const rows = [
      [digestOf(bytes, "sha512"), bytes],
      [digestOf(""), Buffer.alloc(0)],
    ] as const;
    for (const [digest, content] of rows) {
      expect(await outcome(giving(content), digest, content, fileSink(path("*")))).toBe("the blob");
    }
    const error = `Cannot fetch blob "${digestOf("else")}": its bytes are not those that its digest was made of`;
    expect(await outcome(giving(bytes), digestOf("else"), bytes, fileSink(path("*")))).toBe(error);
    expect(
      await outcome(
        giving(Buffer.alloc(0)),
        digestOf("else"),
        Buffer.alloc(0),
        fileSink(path("*")),
      ),
    ).toBe(error);
  });

  test("keeps what is right so far when it fails, and throws away what is wrong", async () => {
    const cut: BlobSource = {
      open: async (_, offset) => ({
        offset,
        chunks: (async function* () {
          if (offset < 4) yield bytes.subarray(offset, 4);
          throw new BlobFault("broken", "cut");
        })(),
      }),
    };
    const kept = fileSink(path("*"));
    expect(await outcome(cut, wanted, bytes, kept)).toBe(`Cannot fetch blob "${wanted}": cut`);
    expect(kept.sizeBytes).toBe(4);
    const wrong = fileSink(path("*"));
    await outcome(giving(Buffer.from("same size!")), wanted, bytes, wrong);
    expect(wrong.sizeBytes).toBe(0);
  });

  test("leaves out what is there where a source begins at 0, and keeps it when that source fails too", async () => {
    const cutAt = (end: number): BlobSource => ({
      open: async () => ({
        offset: 0,
        chunks: (async function* () {
          for (const byte of bytes.subarray(0, end)) yield Uint8Array.of(byte);
          yield bytes.subarray(end, end);
          throw new BlobFault("broken", "cut");
        })(),
      }),
    });
    const counted: string[] = [];
    const sink = fileSink(path("*"), bytes.subarray(0, 5));
    const watched = { ...sink, restart: () => void counted.push("restart") };
    Object.defineProperty(watched, "sizeBytes", { get: () => sink.sizeBytes });
    expect(await outcome(cutAt(3), wanted, bytes, watched)).toEndWith(": cut");
    expect(sink.sizeBytes).toBe(5);
    expect(await outcome([cutAt(7), cutAt(9)], wanted, bytes, watched)).toEndWith(": cut");
    expect(sink.sizeBytes).toBe(7);
    const whole: BlobSource = {
      open: async () => ({
        offset: 0,
        chunks: (async function* () {
          yield bytes;
        })(),
      }),
    };
    expect(await outcome(whole, wanted, bytes, watched)).toBe("the blob");
    expect(counted).toEqual([]);
  });

  test("goes on where a stream ended too early and did not say so", async () => {
    const offsets: number[] = [];
    const short: BlobSource = {
      async open(_, offset) {
        offsets.push(offset);
        return {
          offset,
          chunks: (async function* () {
            yield bytes.subarray(offset, offset + 4);
          })(),
        };
      },
    };
    expect(await outcome(short, wanted, bytes, fileSink(path("*")))).toBe("the blob");
    expect(offsets).toEqual([0, 4, 8]);
  });

  test("ends when the user stops it, also in a stream that does not listen", async () => {
    const controller = new AbortController();
    const deaf: BlobSource = {
      open: async () => ({
        offset: 0,
        chunks: (async function* () {
          yield bytes.subarray(0, 1);
          controller.abort();
          await new Promise(() => {});
        })(),
      }),
    };
    const action = downloadBlob(
      deaf,
      { digest: wanted, sizeBytes: bytes.length },
      fileSink(path("*")),
      {
        ...bounds,
        signal: controller.signal,
      },
    );
    await expect(action).rejects.toMatchObject({ kind: "interrupted" });
  });

  test("throws what the sink throws, at once", async () => {
    const full = new Error("no space left on device");
    const sink = { ...fileSink(path("*")), append: () => Promise.reject(full) };
    const source = giving(bytes);
    await expect(
      downloadBlob(source, { digest: wanted, sizeBytes: bytes.length }, sink, bounds),
    ).rejects.toBe(full);
  });

  test("waits for a sink that is slower than the source, and takes no slowness of its own for a stall", async () => {
    let under = 0;
    const sink = fileSink(path("*"));
    const slow = {
      path: sink.path,
      get sizeBytes() {
        return sink.sizeBytes;
      },
      restart: () => sink.restart(),
      async append(chunk: Uint8Array) {
        under++;
        if (under > 1) throw new Error("two chunks at once");
        await Bun.sleep(30);
        Bun.sleepSync(30);
        sink.append(chunk);
        under--;
      },
    };
    const many: BlobSource = {
      open: async () => ({
        offset: 0,
        chunks: (async function* () {
          for (const byte of bytes) yield Uint8Array.of(byte);
        })(),
      }),
    };
    expect(await outcome(many, wanted, bytes, slow, { stallMs: 20, tries: 1 })).toBe("the blob");
  });
});
