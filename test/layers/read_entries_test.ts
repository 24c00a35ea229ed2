/** Entries of layers as they arrive: the same as the applying process reads, however the bytes are cut. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PlainStream } from "../../lib/layers/plain_stream.ts";
import { readEntries, type ReadEntriesOptions } from "../../lib/layers/read_entries.ts";
import { TarReader } from "../../lib/layers/tar_reader.ts";
import { dir, file, longName, pax, symlink, tar, unended, zeros } from "./raw_tar.ts";

const layer = tar(
  dir("a/"),
  file("a/511", "x".repeat(511)),
  file("a/512", "y".repeat(512)),
  pax({ path: "p".repeat(3000) }),
  file("short", "z".repeat(9000)),
  longName("l".repeat(1000)),
  symlink("short", "to"),
  file("empty"),
);

const options: ReadEntriesOptions = {
  wantsText: () => true,
  maxTextBytes: 10_000,
  maxPlainBytes: 1_000_000,
};

/** The bytes in pieces of these sizes, in turn; each is overwritten when the next is asked for. */
async function* cut(given: Uint8Array, sizes: readonly number[]) {
  // A slice of a Buffer would be the very bytes that were given.
  const bytes = new Uint8Array(given);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const piece = bytes.slice(at, at + (sizes[turn % sizes.length] ?? 1));
    at += piece.length;
    yield piece;
    piece.fill(0xff);
  }
}

async function collect(
  bytes: Uint8Array,
  sizes: readonly number[],
  more: Partial<ReadEntriesOptions> = {},
) {
  const found: [string, string | undefined][] = [];
  for await (const { entry, text } of readEntries(cut(bytes, sizes), { ...options, ...more }))
    found.push([entry.name, text]);
  return found;
}

/** What the reader of the applying process makes of it. */
function expected(bytes: Uint8Array): [string, string][] {
  let at = 0;
  const stream = new PlainStream((into, offset, length) => {
    const count = Buffer.from(bytes).copy(into, offset, at, at + length);
    at += count;
    return count;
  });
  const reader = new TarReader(stream);
  const found: [string, string][] = [];
  for (let entry = reader.next(); entry !== undefined; entry = reader.next())
    found.push([entry.name, stream.takeText(entry.storedBytes)]);
  return found;
}

describe("readEntries()", () => {
  test("reads the same as the applying process, wherever the bytes are cut", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(sizes, async (cuts) => {
        expect<unknown>(await collect(layer, cuts)).toEqual(expected(layer));
      }),
    );
  });

  test("gives the text of those that are wanted, and of none that is too long", async () => {
    const found = await collect(layer, [700], {
      wantsText: ({ name }) => name !== "a/511",
      maxTextBytes: 600,
    });
    expect(found.map(([name, text]) => [name.slice(0, 5), text?.length])).toEqual([
      ["a/", 0],
      ["a/511", undefined],
      ["a/512", 512],
      ["ppppp", undefined],
      ["lllll", 0],
      ["empty", 0],
    ]);
  });

  test.each<readonly [string, Uint8Array, string]>([
    [
      "ends in a header",
      layer.subarray(0, 700),
      "the layer ends in the middle of it: it is truncated",
    ],
    [
      "ends in a file",
      unended(file("a", "x".repeat(2000))).subarray(0, 1000),
      "the layer ends in the middle of it: it is truncated",
    ],
    [
      "has zeros in its middle",
      Buffer.concat([zeros(512), layer]),
      "there is a block of zeros in the middle of it: it is damaged",
    ],
  ])("refuses a layer that %s", async (_, bytes, message) => {
    expect(collect(bytes, [300])).rejects.toThrow(message);
  });

  test("reads no more than it may", async () => {
    expect(collect(layer, [512], { maxPlainBytes: 2000 })).rejects.toThrow(
      "it unpacks to more than 2000 bytes",
    );
  });

  test("ends the source when nobody asks for more", async () => {
    let isEnded = false;
    async function* source() {
      try {
        yield* cut(layer, [512]);
      } finally {
        isEnded = true;
      }
    }
    for await (const { entry } of readEntries(source(), options)) if (entry.name === "a/") break;
    expect(isEnded).toBe(true);
  });
});
