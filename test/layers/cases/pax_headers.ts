/** PAX headers (POSIX.1-2017, pax, "pax Extended Header"), and GNU's beside them. */

import { base256, dir, file, latin1, pax, symlink, tar, unended } from "../raw_tar.ts";
import { type LayerCase, refused, same, treeOf } from "./case.ts";

const posixGlobal =
  "POSIX.1-2017, pax, Header Typeflag g: attributes for the files behind it; tools write it (git archive), no layer needs it; the reference refuses the layer";

export const paxHeaders: readonly LayerCase[] = [
  {
    name: "a layer that ends within a PAX header is refused",
    layers: [unended(pax({ path: "x".repeat(600) })).subarray(0, 700)],
    expect: refused(/./),
  },
  {
    name: "a size of 2^63-1 on a PAX header is refused",
    layers: [tar({ name: "x", type: "x", size: base256(2n ** 63n - 1n, 12) }, file("a", "1"))],
    expect: refused(/./),
  },
  {
    name: "a global PAX header is ignored",
    layers: [
      tar(
        pax({ comment: "0123456789abcdef", path: "hostile", uid: "77", mtime: "5" }, { type: "g" }),
        file("a", "1", { uid: 3 }),
        pax({ comment: "again" }, { type: "g" }),
        dir("b"),
      ),
    ],
    expect: treeOf(posixGlobal, tar(file("a", "1", { uid: 3 }), dir("b"))),
  },
  {
    name: "a global PAX header between a PAX header and its entry",
    layers: [tar(pax({ path: "long" }), pax({ comment: "x" }, { type: "g" }), file("a", "1"))],
    expect: treeOf(posixGlobal, tar(file("long", "1"))),
  },
  {
    name: "of a PAX key twice in a header the later wins",
    layers: [
      tar(
        pax([
          ["path", "first"],
          ["uid", "1"],
          ["path", "second"],
          ["uid", "2"],
        ]),
        file("x", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "a PAX key without a value deletes what stands before it",
    layers: [
      tar(
        pax([
          ["path", "first"],
          ["path", ""],
        ]),
        file("own", "1"),
        pax({ uid: "", mtime: "", linkpath: "" }),
        symlink("l", "target", { uid: 5 }),
      ),
    ],
    expect: same,
  },
  {
    name: "two PAX headers in a row: the later counts",
    layers: [tar(pax({ path: "first", uid: "5" }), pax({ path: "second" }), file("x", "1"))],
    expect: same,
  },
  {
    name: "a PAX header with no entry behind it is nothing",
    layers: [tar(file("a", "1"), pax({ path: "x" }))],
    expect: same,
  },
  {
    name: "a PAX header at the end of the stream is nothing",
    layers: [unended(file("a", "1"), pax({ path: "x" }))],
    expect: same,
  },
  {
    name: "a PAX record whose length is too long is refused",
    layers: [tar(pax(latin1("99 path=x\n")), file("a", "1"))],
    expect: refused(/PAX|pax/),
  },
  {
    name: "a PAX record whose length is too short is refused",
    layers: [tar(pax(latin1("5 path=x\n")), file("a", "1"))],
    expect: refused(/PAX|pax/),
  },
  {
    name: "a PAX record without its line break is refused",
    layers: [tar(pax(latin1("10 path=ab")), file("a", "1"))],
    expect: refused(/PAX|pax/),
  },
  {
    name: "a PAX record without = is refused",
    layers: [tar(pax(latin1("8 path\n\n")), file("a", "1"))],
    expect: refused(/PAX|pax/),
  },
  {
    name: "a PAX record without a key is refused",
    layers: [tar(pax(latin1("6 =ab\n")), file("a", "1"))],
    expect: refused(/PAX|pax/),
  },
  {
    name: "a PAX record without a length is refused",
    layers: [tar(pax(latin1("path=x\n")), file("a", "1"))],
    expect: refused(/PAX|pax/),
  },
  {
    name: "a PAX record of length 0 is refused",
    layers: [tar(pax(latin1("0 path=x\n")), file("a", "1"))],
    expect: refused(/PAX|pax/),
  },
  {
    name: "a PAX header of no records",
    layers: [tar(pax(new Uint8Array()), file("a", "1"))],
    expect: same,
  },
  {
    name: "a size of PAX counts, not the header's",
    layers: [tar(pax({ size: "5" }), file("a", "12345", { size: 0 }), file("b", "2"))],
    expect: same,
  },
  {
    name: "a size of PAX smaller than the header's",
    layers: [tar(pax({ size: "2" }), file("a", "12345"), file("b", "2"))],
    expect: same,
  },
  {
    name: "a size of PAX that is no number is refused",
    layers: [tar(pax({ size: "abc" }), file("a", "1"))],
    expect: refused(/./),
  },
  {
    name: "a negative size of PAX is refused",
    layers: [tar(pax({ size: "-1" }), file("a", "1"))],
    expect: refused(/./),
  },
  {
    name: "a time of PAX that is no number is refused",
    layers: [tar(pax({ mtime: "noon" }), file("a", "1"))],
    expect: refused(/./),
  },
  {
    name: "an owner of PAX that is no number is refused",
    layers: [tar(pax({ uid: "root" }), file("a", "1"))],
    expect: refused(/./),
  },
  {
    name: "unknown keys of PAX are ignored",
    layers: [
      tar(
        pax({
          comment: "x",
          "VENDOR.key": "y",
          charset: "BINARY",
          hdrcharset: "BINARY",
          "SCHILY.ino": "5",
        }),
        file("a", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "a PAX header of 900 KiB",
    layers: [tar(pax({ comment: "c".repeat(900 * 1024), path: "named" }), file("a", "1"))],
    expect: same,
  },
  {
    name: "a PAX header of 64 MiB is refused",
    layers: [tar(pax({ comment: "c".repeat(64 * 1024 * 1024) }), file("a", "1"))],
    expect: refused(/extended header/),
  },
  {
    name: "mode in a PAX header is not read",
    layers: [tar(pax({ mode: "4777", gname: "x" }), file("a", "1"))],
    expect: same,
  },
  {
    name: "a PAX header in GNU and v7 dress",
    layers: [
      tar(
        pax({ path: "one" }, { format: "gnu" }),
        file("x", "1", { format: "gnu" }),
        pax({ path: "two" }, { format: "v7" }),
        file("y", "2"),
      ),
    ],
    expect: same,
  },
  {
    name: "the size of an entry of PAX in octal digits is decimal",
    layers: [tar(pax({ size: "010" }), file("a", "1234567890", { size: 0 }), file("b", "1"))],
    expect: same,
  },
];
