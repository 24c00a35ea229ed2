/** A stream may end, or be cut into reads, anywhere. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PlainStream, streamBuffer } from "../../lib/layers/plain_stream.ts";
import { TarReader } from "../../lib/layers/tar_reader.ts";
import { dir, file, hardlink, longName, pax, symlink, tar, unended, zeros } from "./raw_tar.ts";

/** A stream that gives at most `sizes[n]` bytes in its n-th read. */
function streamOf(bytes: Uint8Array, sizes: readonly number[] = [bytes.length], room = 4096) {
  let at = 0;
  let turn = 0;
  const hash = new Bun.CryptoHasher("sha256");
  const stream = new PlainStream(
    (into, offset, length) => {
      const size = Math.min(sizes[turn++ % sizes.length] ?? 1, length, bytes.length - at);
      into.set(bytes.subarray(at, at + size), offset);
      at += size;
      return size;
    },
    { buffer: streamBuffer(room), hash },
  );
  return { stream, hash };
}

function readAll(bytes: Uint8Array, sizes?: readonly number[], room?: number) {
  const { stream, hash } = streamOf(bytes, sizes, room);
  const reader = new TarReader(stream);
  const found = [];
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
    found.push({ ...entry, body: stream.takeText(entry.storedBytes) });
  }
  stream.drain();
  return { found, hash: hash.digest("hex"), total: stream.totalBytes };
}

const layer = tar(
  dir("a/"),
  file("a/empty"),
  file("a/511", "x".repeat(511)),
  file("a/512", "x".repeat(512)),
  file("a/513", "x".repeat(513)),
  pax({ path: "p".repeat(3000), mtime: "1.5", "SCHILY.xattr.user.a": "v" }),
  file("short", "z".repeat(9000)),
  longName("l".repeat(1000)),
  symlink("short", "to"),
  hardlink("h", "a/512", { size: 512 }),
);

describe("TarReader", () => {
  test("reads the same whatever a read gives, and hashes every byte", () => {
    const whole = readAll(layer);
    expect(whole.found.map(({ name }) => name.slice(0, 8))).toEqual([
      "a/",
      "a/empty",
      "a/511",
      "a/512",
      "a/513",
      "pppppppp",
      "llllllll",
      "h",
    ]);
    expect(whole.hash).toBe(new Bun.CryptoHasher("sha256").update(layer).digest("hex"));
    const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 512, max: 2000 }), (reads, room) => {
        expect(readAll(layer, reads, room)).toEqual(whole);
      }),
    );
  });

  test("ends where it is cut: without a word between entries, else refused", () => {
    const entries = unended(file("a", "x".repeat(600)), file("b", "y"));
    // Header, body and padding of `a`; header and body of `b`.
    const quiet = [0, 1536 - 424, 1536, 1536 + 512 + 1, entries.length];
    for (let length = 0; length <= entries.length; length += 1) {
      const isQuiet =
        length === 0 || (length >= 512 + 600 && length <= 1536) || length >= 1536 + 513;
      const read = () => readAll(entries.subarray(0, length));
      if (isQuiet) expect(read).not.toThrow();
      else expect(read).toThrow("truncated");
    }
    for (const length of quiet) expect(() => readAll(entries.subarray(0, length))).not.toThrow();
  });

  test("reads nothing behind the end, but for the hash", () => {
    const more = Buffer.concat([layer, zeros(10_000), Buffer.from("junk"), layer]);
    const { found, total } = readAll(more);
    expect(found).toHaveLength(8);
    expect(total).toBe(more.length);
  });

  test("refuses a header that asks for more memory than a header may", () => {
    const huge = pax(zeros(0), { size: 2 ** 30 });
    expect(() => readAll(Buffer.concat([huge, zeros(2048)]))).toThrow("1048576 are the most");
  });

  test("keeps no records for a second entry", () => {
    const { found } = readAll(tar(pax({ path: "p" }), file("a"), file("b")));
    expect(found.map(({ name }) => name)).toEqual(["p", "b"]);
  });

  test("ignores global headers", () => {
    const global = pax({ path: "g", mtime: "9" }, { type: "g" });
    expect(readAll(tar(global, file("a"))).found[0]?.name).toBe("a");
  });
});

describe("PlainStream", () => {
  test("refuses more bytes than it may take, before it gives them", () => {
    const stream = new PlainStream((_, __, length) => length, { maxBytes: 1_000_000 });
    expect(() => stream.drain()).toThrow("more than 1000000 bytes");
  });
});
