import { describe, expect, test } from "bun:test";
import { plainBytes } from "../../lib/layers/plain_bytes.ts";

/** What does not compress well, so that streams are cut in their middle. */
const plain = new Uint8Array(300_000);
for (let at = 0, state = 1; at < plain.length; at++) {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
  plain[at] = state >> 16;
}
const hashOf = (bytes: Uint8Array) => Bun.SHA256.hash(bytes, "hex");

/** Chunks that are overwritten when the next is asked for, as lib/image/blob_source.ts says. */
async function* chunksOf(given: Uint8Array, size: number, onEnd = () => {}) {
  // A slice of a Buffer would be the very bytes that were given.
  const bytes = new Uint8Array(given);
  try {
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.slice(at, at + size);
      yield chunk;
      chunk.fill(0);
    }
  } finally {
    onEnd();
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk.slice());
  return Buffer.concat(found);
}

describe.each([
  ["gzip", Bun.gzipSync(plain)],
  ["zstd", Bun.zstdCompressSync(plain)],
  ["none", plain],
] as const)("plainBytes() of %s", (_, bytes) => {
  test.each([2, 1000, 1_000_000])("gives what was compressed, in chunks of %i", async (size) => {
    const found = await collect(plainBytes(chunksOf(bytes, size), bytes.length));
    expect(hashOf(found)).toBe(hashOf(plain));
  });

  test("ends the source when nobody asks for more", async () => {
    const ended = Promise.withResolvers<void>();
    for await (const _ of plainBytes(chunksOf(bytes, 100, ended.resolve), bytes.length)) break;
    await ended.promise;
  });

  test("throws the source's own error", async () => {
    async function* failing() {
      yield bytes.subarray(0, 100);
      throw new Error("the line is cut");
    }
    expect(collect(plainBytes(failing(), bytes.length))).rejects.toThrow("the line is cut");
  });
});

test.each([
  ["gzip", Bun.gzipSync(plain)],
  ["zstd", Bun.zstdCompressSync(plain)],
])("plainBytes() of %s throws where the stream is damaged", async (_, bytes) => {
  const broken = Buffer.from(bytes);
  broken.fill(0xff, 4, 60);
  await expect(collect(plainBytes(chunksOf(broken, 1000), bytes.length))).rejects.toThrow();
});
