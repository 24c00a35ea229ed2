/** The format itself: headers, checksums, numbers, types, ends. */

import {
  base256,
  file,
  hardlink,
  latin1,
  longName,
  renderEntry,
  symlink,
  tar,
  unended,
  zeros,
} from "../raw_tar.ts";
import { type LayerCase, refused, same, treeOf } from "./case.ts";

export const format: readonly LayerCase[] = [
  { name: "an empty archive", layers: [tar()], expect: same },
  { name: "a layer of zero bytes", layers: [zeros(0)], expect: same },
  { name: "no layers at all", layers: [], expect: same },
  { name: "an archive without its end marker", layers: [unended(file("a", "1"))], expect: same },
  {
    name: "an archive with one zero block at its end",
    layers: [unended(file("a", "1"), zeros(512))],
    expect: same,
  },
  { name: "a layer of one zero block", layers: [zeros(512)], expect: same },
  {
    name: "zero blocks to fill a record",
    layers: [tar(file("a", "1"), zeros(10_240))],
    expect: same,
  },
  {
    name: "junk behind the end marker is not read",
    layers: [Buffer.concat([tar(file("a", "1")), latin1("junk"), zeros(100), latin1("\xff")])],
    expect: same,
  },
  {
    name: "entries behind the end marker are not read",
    layers: [Buffer.concat([tar(file("a", "1")), tar(file("b", "2"), file("a", "3"))])],
    expect: same,
  },
  {
    name: "entries behind one zero block are refused",
    layers: [unended(file("a", "1"), zeros(512), file("b", "2"), zeros(1024))],
    expect: refused(/./),
  },
  {
    name: "a layer that ends within a header is refused",
    layers: [unended(file("a", "1"), renderEntry(file("b", "2")).subarray(0, 300))],
    expect: refused(/./),
  },
  {
    name: "a layer that ends within a file is refused",
    layers: [unended(file("a", "1"), renderEntry(file("b", "x".repeat(900))).subarray(0, 1200))],
    expect: refused(/./),
  },
  {
    name: "a layer that ends right behind a header with a body is refused",
    layers: [unended(file("b", "x".repeat(900))).subarray(0, 512)],
    expect: refused(/./),
  },
  {
    name: "a layer that ends within the padding of its last file",
    layers: [unended(file("a", "1"), file("b", "22", { padding: "" }))],
    expect: same,
  },
  {
    name: "padding of anything but zeros",
    layers: [tar(file("a", "1", { padding: latin1("\xff".repeat(511)) }), file("b", "2"))],
    expect: same,
  },
  {
    name: "a wrong checksum is refused",
    layers: [tar(file("a", "1", { checksum: "wrong" }))],
    expect: refused(/checksum/i),
  },
  {
    name: "a wrong checksum behind good entries is refused",
    layers: [tar(file("a", "1"), file("b", "2", { checksum: "wrong" }), file("c", "3"))],
    expect: refused(/checksum/i),
  },
  {
    name: "a blank checksum is refused",
    layers: [tar(file("a", "1", { checksum: "        " }))],
    expect: refused(/./),
  },
  {
    name: "a checksum of signed bytes",
    layers: [tar(file(latin1("\xe9\xff"), "1", { checksum: "signed" }))],
    expect: same,
  },
  {
    name: "a checksum with leading blanks and no NUL",
    layers: [
      tar(
        file("a", "1", {
          checksum: latin1(
            ((): string => {
              const header = renderEntry(file("a", "1")).subarray(0, 512);
              const sum = header.fill(0x20, 148, 156).reduce((total, byte) => total + byte, 0);
              return `  ${sum.toString(8)} `;
            })(),
          ),
        }),
      ),
    ],
    expect: same,
  },
  {
    name: "text instead of an archive is refused",
    layers: [latin1("hello world, ".repeat(100))],
    expect: refused(/./),
  },
  {
    name: "bytes instead of an archive are refused",
    layers: [new Uint8Array(2048).fill(0xa5)],
    expect: refused(/./),
  },
  {
    name: "a stream shorter than a header is refused",
    layers: [latin1("short")],
    expect: refused(/./),
  },
  {
    name: "numbers with leading blanks, and with a blank at their end",
    layers: [
      tar(
        file("a", "12345", {
          mode: "   644 ",
          uid: "    17 ",
          size: "          5 ",
          mtime: "     1000000",
        }),
        file("b", "1", { mode: "0000600 ", gid: "0000021\0", size: "00000000001 " }),
        file("c", "1", { mode: "644\0\0\0\0\0", size: "1\0\0\0\0\0\0\0\0\0\0\0" }),
      ),
    ],
    expect: same,
  },
  {
    name: "numbers that fill their field with no NUL",
    layers: [
      tar(
        file("a", "1", {
          mode: "00000644",
          uid: "00000017",
          size: "000000000001",
          mtime: "010000000000",
        }),
      ),
    ],
    expect: same,
  },
  {
    name: "blank numbers are zero",
    layers: [
      tar(
        file("a", "", { uid: "        ", gid: zeros(8), size: "            ", mtime: zeros(12) }),
      ),
    ],
    expect: same,
  },
  { name: "a blank mode is zero", layers: [tar(file("a", "", { mode: zeros(8) }))], expect: same },
  {
    name: "a size in base-256",
    layers: [tar(file("a", "12345", { size: base256(5, 12) }), file("b"))],
    expect: same,
  },
  {
    name: "a mode in base-256",
    layers: [tar(file("a", "1", { mode: base256(0o4755, 8) }))],
    expect: same,
  },
  {
    name: "a negative size is refused",
    layers: [tar(file("a", "1", { size: base256(-1, 12) }))],
    expect: refused(/./),
  },
  {
    name: "a size beyond 2^63 is refused",
    layers: [tar(file("a", "1", { size: base256(2n ** 70n, 12) }))],
    expect: refused(/./),
  },
  {
    name: "a size of 8 exabytes with nothing behind it is refused",
    layers: [tar(file("a", "1", { size: base256(2n ** 63n - 1n, 12) }))],
    expect: refused(/./),
  },
  {
    name: "a size with other digits is refused",
    layers: [tar(file("a", "1", { size: "00000000009\0" }))],
    expect: refused(/./),
  },
  {
    name: "an owner of letters is refused",
    layers: [tar(file("a", "1", { uid: "abcdefg\0" }))],
    expect: refused(/./),
  },
  {
    name: "a type flag of NUL is a file",
    layers: [tar(file("a", "1", { type: "\0" }))],
    expect: same,
  },
  {
    name: "a type flag of 7 is a file",
    layers: [tar(file("a", "1", { type: "7" }), file("b", "2"))],
    expect: treeOf(
      "POSIX.1-2017, pax, ustar: a contiguous file, which is a regular one where there are none; the reference refuses the layer",
      tar(file("a", "1"), file("b", "2")),
    ),
  },
  {
    name: "an unknown type is refused",
    layers: [tar(file("a", "1"), file("b", "2", { type: "Z" }))],
    expect: refused(/type/),
  },
  {
    name: "types of old tools are refused: D, M, V, N",
    layers: [tar(file("a", "", { type: "V", format: "gnu" }))],
    expect: refused(/type/),
  },
  {
    name: "a Solaris extended header is refused",
    layers: [tar(file("a", "", { type: "X" }), file("b", "1"))],
    expect: refused(/./),
  },
  {
    name: "a GNU long name with no entry behind it is nothing",
    layers: [unended(file("a", "1"), longName("x"))],
    expect: same,
  },
  {
    name: "files around the size of a block, and of larger chunks",
    layers: [
      tar(
        ...[
          511, 512, 513, 1023, 1024, 1025, 65_535, 65_536, 65_537, 131_072, 524_287, 524_288,
          524_289, 1_048_576, 1_048_577,
        ].map((size) => file(`f${size}`, Buffer.alloc(size, `content of ${size} `))),
      ),
    ],
    expect: same,
  },
  {
    name: "a file with a body under the flag of a hard link: the size is not read",
    layers: [tar(file("a", "1"), hardlink("h", "a", { size: 512 }), file("after", "2"))],
    expect: same,
  },
  {
    name: "a link target that fills its field",
    layers: [tar(symlink("l", "t".repeat(100)), symlink("m", "u".repeat(99)))],
    expect: same,
  },
];
