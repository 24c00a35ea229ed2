/**
 * Layers as they lie in a registry: gzip (RFC 1952), zstd (RFC 8878), plain, and what is damaged.
 * What the media type says does not matter: the first bytes tell, and the diff_id decides.
 */

import { gzipSync, zstdCompressSync } from "node:zlib";
import { dir, file, latin1, symlink, tar, unended, zeros } from "../raw_tar.ts";

export type Compression = "gzip" | "zstd" | "none";

export interface CompressedCase {
  /** A sentence: what happens. */
  readonly name: string;
  /** What the reference is told; it reads no zstd. */
  readonly mediaType: Compression;
  /** The layer as it is stored. */
  readonly blob: Uint8Array;
  /** The plain stream that the configuration's diff_id is of. */
  readonly plain: Uint8Array;
  /**
   * `tree`: that of the plain stream; or what the error says. `either`: one or the other, by the way taken; the
   * tree is right or there is an error all the same.
   */
  readonly expect: "tree" | "either" | RegExp;
  /** Why the reference, which refuses the layer, is wrong. */
  readonly because?: string;
}

const plain = tar(
  dir("d", 0o751, { uid: 3 }),
  file("d/a", "some text, some text, some text"),
  file("big", Buffer.alloc(300_000, "content that compresses well ")),
  symlink("l", "d/a"),
);
const half = 512 * 5;
const [head, tail] = [plain.subarray(0, half), plain.subarray(half)];

const gzip = gzipSync(plain);
const zstd = zstdCompressSync(plain);
/** RFC 8878, 3.1.2: magic number, size, and bytes that are not read. */
const skippable = Buffer.concat([
  Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]),
  latin1("hello"),
]);
/** RFC 1952, 2.3: a header with an extra field, a file name, a comment and a checksum of itself. */
const richGzip = (() => {
  const header = Buffer.concat([
    Uint8Array.from([0x1f, 0x8b, 8, 0x02 | 0x04 | 0x08 | 0x10, 0, 0, 0, 0, 0, 3]),
    Uint8Array.from([4, 0, 65, 66, 0, 0]),
    latin1("layer.tar\0a comment\0"),
  ]);
  const crc = Buffer.alloc(2);
  crc.writeUInt16LE(Bun.hash.crc32(header) & 0xffff);
  return Buffer.concat([header, crc, gzip.subarray(10)]);
})();

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 0x55;
  return copy;
}

const damaged = /cannot be decompressed|diff_id|truncated|damaged/;
const diffIdDecides =
  "the diff_id is that of the plain stream, which is whole; the stored bytes are compared with the digest of the manifest when they are fetched";

const gzipCases: readonly Omit<CompressedCase, "mediaType">[] = [
  { name: "gzip", blob: gzip, plain, expect: "tree" },
  {
    name: "gzip of several members",
    blob: Buffer.concat([gzipSync(head), gzipSync(tail)]),
    plain,
    expect: "tree",
  },
  {
    name: "gzip of many members, some of them empty",
    blob: Buffer.concat([
      gzipSync(""),
      ...Array.from({ length: 40 }, (_, index) =>
        gzipSync(plain.subarray(index * 100, index * 100 + 100)),
      ),
      gzipSync(""),
      gzipSync(plain.subarray(4000)),
      gzipSync(""),
    ]),
    plain,
    expect: "tree",
  },
  {
    name: "gzip with every field of its header",
    blob: richGzip,
    plain,
    expect: "tree",
    because: "RFC 1952, 2.3.1: a header may have a checksum of its own; gzip(1) reads it",
  },
  { name: "gzip without compression", blob: gzipSync(plain, { level: 0 }), plain, expect: "tree" },
  {
    name: "gzip with zeros behind it",
    blob: Buffer.concat([gzip, zeros(1000)]),
    plain,
    expect: "tree",
    because:
      "gzip(1): zeros behind the last member are padding, as of tapes; the diff_id is that of the plain stream all the same",
  },
  {
    name: "gzip with garbage behind it is read by some decompressors, and refused by others",
    blob: Buffer.concat([gzip, latin1("garbage, garbage")]),
    plain,
    expect: "either",
    because: diffIdDecides,
  },
  {
    name: "gzip with a damaged second member is refused",
    blob: Buffer.concat([gzipSync(head), changed(gzipSync(tail), 40)]),
    plain,
    expect: damaged,
  },
  {
    name: "gzip without its end is refused",
    blob: gzip.subarray(0, gzip.length - 200),
    plain,
    expect: damaged,
  },
  {
    name: "gzip without its last bytes, when all of the archive is there",
    blob: gzip.subarray(0, gzip.length - 3),
    plain,
    expect: "tree",
    because: diffIdDecides,
  },
  {
    name: "gzip without its second member's end, when all of the archive is there",
    blob: Buffer.concat([gzipSync(head), gzipSync(tail)]).subarray(0, -9),
    plain,
    expect: "tree",
    because: diffIdDecides,
  },
  { name: "gzip of a header alone is refused", blob: gzip.subarray(0, 10), plain, expect: damaged },
  {
    name: "gzip with a wrong checksum is refused",
    blob: changed(gzip, -6),
    plain,
    expect: damaged,
  },
  { name: "gzip with a wrong length is refused", blob: changed(gzip, -2), plain, expect: damaged },
  {
    name: "gzip with a wrong byte inside is refused",
    blob: changed(gzip, 300),
    plain,
    expect: damaged,
  },
  {
    name: "no bytes at all, said to be gzip",
    blob: zeros(0),
    plain: zeros(0),
    expect: "tree",
    because: diffIdDecides,
  },
  {
    name: "gzip of no bytes is an empty layer",
    blob: gzipSync(""),
    plain: zeros(0),
    expect: "tree",
  },
  { name: "gzip of an empty archive", blob: gzipSync(tar()), plain: tar(), expect: "tree" },
  {
    name: "gzip of an archive without its end marker",
    blob: gzipSync(unended(file("a", "1"))),
    plain: unended(file("a", "1")),
    expect: "tree",
  },
  {
    name: "gzip of an archive that is cut is refused",
    blob: gzipSync(plain.subarray(0, 4000)),
    plain: plain.subarray(0, 4000),
    expect: damaged,
  },
  {
    name: "gzip of another archive than the diff_id's is refused",
    blob: gzip,
    plain: tar(file("other")),
    expect: /diff_id/,
  },
  {
    name: "gzip of the archive and more, which the diff_id does not know, is refused",
    blob: gzipSync(Buffer.concat([plain, latin1("more")])),
    plain,
    expect: /diff_id/,
  },
  {
    name: "gzip with another archive's member behind it is refused",
    blob: Buffer.concat([gzip, gzipSync(tar(file("hidden", "1")))]),
    plain,
    expect: /diff_id/,
  },
  {
    name: "a plain layer said to be gzip",
    blob: plain,
    plain,
    expect: "tree",
    because: diffIdDecides,
  },
  { name: "zstd said to be gzip", blob: zstd, plain, expect: "tree", because: diffIdDecides },
];

const noneCases: readonly Omit<CompressedCase, "mediaType">[] = [
  { name: "plain", blob: plain, plain, expect: "tree" },
  { name: "plain and cut is refused", blob: plain.subarray(0, 3000), plain, expect: damaged },
  { name: "gzip said to be plain", blob: gzip, plain, expect: "tree", because: diffIdDecides },
  {
    name: "no bytes at all, plain, are an empty layer",
    blob: zeros(0),
    plain: zeros(0),
    expect: "tree",
  },
];

const zstdCases: readonly Omit<CompressedCase, "mediaType">[] = [
  { name: "zstd", blob: zstd, plain, expect: "tree" },
  {
    name: "zstd of several frames",
    blob: Buffer.concat([zstdCompressSync(head), zstdCompressSync(tail)]),
    plain,
    expect: "tree",
  },
  {
    name: "zstd with skippable frames before, between and behind",
    blob: Buffer.concat([
      skippable,
      zstdCompressSync(head),
      skippable,
      skippable,
      zstdCompressSync(tail),
      skippable,
    ]),
    plain,
    expect: "tree",
  },
  {
    name: "zstd of no bytes is an empty layer",
    blob: zstdCompressSync(""),
    plain: zeros(0),
    expect: "tree",
  },
  {
    name: "zstd with an empty frame",
    blob: Buffer.concat([zstdCompressSync(""), zstd, zstdCompressSync("")]),
    plain,
    expect: "tree",
  },
  {
    name: "zstd with garbage behind it",
    blob: Buffer.concat([zstd, latin1("garbage, garbage")]),
    plain,
    expect: "tree",
    because: diffIdDecides,
  },
  {
    name: "zstd without its end is refused",
    blob: zstd.subarray(0, zstd.length - 20),
    plain,
    expect: damaged,
  },
  {
    name: "zstd without its second frame's end is refused",
    blob: Buffer.concat([zstdCompressSync(head), zstdCompressSync(tail)]).subarray(0, -5),
    plain,
    expect: damaged,
  },
  {
    name: "zstd with a wrong byte inside is refused",
    blob: changed(zstd, 60),
    plain,
    expect: damaged,
  },
  {
    name: "zstd of another archive than the diff_id's is refused",
    blob: zstd,
    plain: tar(file("other")),
    expect: /diff_id/,
  },
  { name: "gzip said to be zstd", blob: gzip, plain, expect: "tree", because: diffIdDecides },
  { name: "no bytes at all, said to be zstd, are refused", blob: zeros(0), plain, expect: damaged },
];

export const compressedCases: readonly CompressedCase[] = [
  ...gzipCases.map((row) => ({ ...row, mediaType: "gzip" as const })),
  ...noneCases.map((row) => ({ ...row, mediaType: "none" as const })),
  ...zstdCases.map((row) => ({ ...row, mediaType: "zstd" as const })),
];
