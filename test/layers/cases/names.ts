/** Names: long, odd, and by every header that can hold one. */

import { dir, file, hardlink, latin1, longLink, longName, pax, symlink, tar } from "../raw_tar.ts";
import { type LayerCase, refused, same } from "./case.ts";

const n = (length: number, letter = "n") => letter.repeat(length);
/** A path of so many bytes. */
const deep = (length: number) => `${n(length, `${n(99)}/`).slice(0, length - 1)}e`;

export const names: readonly LayerCase[] = [
  { name: "a name of 100 bytes fills its field", layers: [tar(file(n(100), "1"))], expect: same },
  {
    name: "a name of 255 bytes by PAX",
    layers: [tar(pax({ path: n(255) }), file("x", "1"))],
    expect: same,
  },
  {
    name: "a name of 255 bytes by GNU",
    layers: [tar(longName(n(255)), file("x", "1"))],
    expect: same,
  },
  {
    name: "a name of 256 bytes is refused",
    layers: [tar(pax({ path: n(256) }), file("x", "1"))],
    expect: refused(/./),
  },
  {
    name: "a name of 256 bytes as a parent is refused",
    layers: [tar(pax({ path: `${n(256)}/x` }), file("x", "1"))],
    expect: refused(/./),
  },
  {
    name: "a path of 3,900 bytes",
    layers: [tar(pax({ path: deep(3900) }), file("x", "1"))],
    expect: same,
  },
  {
    name: "a path of 5,000 bytes is refused",
    layers: [tar(pax({ path: deep(5000) }), file("x", "1"))],
    expect: refused(/./),
  },
  {
    name: "a symbolic link to a path of 4,095 bytes",
    layers: [tar(pax({ linkpath: n(4095) }), symlink("l", "x"))],
    expect: same,
  },
  {
    name: "a symbolic link to a path of 4,096 bytes is refused",
    layers: [tar(pax({ linkpath: n(4096) }), symlink("l", "x"))],
    expect: refused(/./),
  },
  {
    name: "long names and long targets by PAX",
    layers: [
      tar(
        pax({ path: `d/${n(150)}` }),
        file("x", "1"),
        pax({ path: `h/${n(150)}`, linkpath: `d/${n(150)}` }),
        hardlink("y", "z"),
        pax({ path: `l/${n(150)}`, linkpath: `../d/${n(150)}` }),
        symlink("y", "z"),
      ),
    ],
    expect: same,
  },
  {
    name: "long names and long targets by GNU",
    layers: [
      tar(
        longName(`d/${n(150)}`),
        file("x", "1"),
        longName(`h/${n(150)}`),
        longLink(`d/${n(150)}`),
        hardlink("y", "z"),
        longLink(`../d/${n(150)}`),
        longName(`l/${n(150)}`),
        symlink("y", "z"),
      ),
    ],
    expect: same,
  },
  {
    name: "of a GNU long name and a PAX path the PAX path wins",
    layers: [
      tar(longName("gnu"), pax({ path: "pax" }), file("x", "1")),
      tar(pax({ path: "pax2" }), longName("gnu2"), file("x", "1")),
    ],
    expect: same,
  },
  {
    name: "of two GNU long names the later wins",
    layers: [tar(longName("one"), longName("two"), file("x", "1"))],
    expect: same,
  },
  {
    name: "a GNU long name without a NUL at its end",
    layers: [
      tar({ name: "././@LongLink", type: "L", body: "name", format: "gnu" }, file("x", "1")),
    ],
    expect: same,
  },
  {
    name: "a GNU long name with more behind its NUL",
    layers: [
      tar({ name: "././@LongLink", type: "L", body: "name\0more", format: "gnu" }, file("x", "1")),
    ],
    expect: same,
  },
  {
    name: "a GNU long name of no bytes",
    layers: [tar({ name: "././@LongLink", type: "L", body: "", format: "gnu" }, file("x", "1"))],
    expect: same,
  },
  {
    name: "a long name applies to one entry",
    layers: [
      tar(
        longName(n(120)),
        file("x", "1"),
        file("y", "2"),
        pax({ path: n(130) }),
        dir("x"),
        dir("z"),
      ),
    ],
    expect: same,
  },
  {
    name: "the prefix of ustar comes before the name",
    layers: [
      tar(file("name", "1", { prefix: "some/prefix" }), dir(n(100), 0o700, { prefix: n(155) })),
    ],
    expect: same,
  },
  {
    name: "a prefix with GNU magic is one where it is text: Go before 1.8 wrote such layers",
    layers: [tar(file("name", "1", { prefix: "some/prefix", format: "gnu" }))],
    expect: same,
  },
  {
    name: "GNU's times in the place of the prefix are no name",
    layers: [tar(file("name", "1", { prefix: "14573000000\x0014573000000\0", format: "gnu" }))],
    expect: same,
  },
  {
    name: "a header of v7 has neither prefix nor type but the slash of a directory",
    layers: [
      tar(
        file("d/", "", { format: "v7", type: "\0", mode: 0o755 }),
        file("f", "1", { format: "v7", type: "\0" }),
        symlink("l", "x", { format: "v7" }),
        hardlink("h", "f", { format: "v7" }),
      ),
    ],
    expect: same,
  },
  {
    name: "a header of v7 with bytes where ustar has its prefix",
    layers: [tar(file("name", "1", { format: "v7", patch: { 345: "junk", 265: "junk" } }))],
    expect: same,
  },
  {
    name: "a file with a slash at its end",
    layers: [tar(file("f/", "", { mode: 0o755 }), file("after", "1"))],
    expect: same,
  },
  {
    name: "a file with a slash at its end, and content",
    layers: [tar(file("f/", "content"), file("after", "1"))],
    expect: same,
  },
  {
    name: "a symbolic link with a slash at its end",
    layers: [tar(symlink("l/", "x"), file("after", "1"))],
    expect: same,
  },
  {
    name: "names that are not UTF-8",
    layers: [
      tar(
        file(latin1("\xff\xfe"), "1"),
        dir(latin1("d\x80"), 0o700),
        file(latin1("d\x80/\xc3"), "2"),
        symlink(latin1("l\xe9"), latin1("\xff\xfe")),
        hardlink(latin1("h\xe9"), latin1("\xff\xfe")),
      ),
      tar(file(latin1("d\x80/\xe9"), "3")),
    ],
    expect: same,
  },
  {
    name: "names that are not UTF-8 by PAX and by GNU",
    layers: [
      tar(
        pax({ path: latin1("p\xff"), linkpath: latin1("\xfe") }),
        symlink("x", "y"),
        longName(latin1("g\xff")),
        file("x", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "composed and decomposed accents are two names",
    layers: [tar(file("caf\u00e9", "1"), file("cafe\u0301", "2"), dir("\u1e9b\u0323"))],
    expect: same,
  },
  {
    name: "names with line breaks, blanks, dashes, quotes, backslashes and control characters",
    layers: [
      tar(
        ...[
          "a\nb",
          " ",
          "-rf",
          "--",
          "a b ",
          '"q"',
          "'",
          "a\\b",
          "\u0001",
          "\u007f",
          "*",
          "$(x)",
          "~",
          "\r",
        ].map((name) => file(name, name)),
        symlink("l", "a\nb "),
      ),
    ],
    expect: same,
  },
  {
    name: "names of dots that are not special",
    layers: [
      tar(file("...", "1"), file("..a", "2"), dir("a.."), file("a../...", "3"), file(".a", "4")),
    ],
    expect: same,
  },
  {
    name: "./ and // and /./ are cleaned away",
    layers: [
      tar(dir("./a/"), file("./a//b", "1"), file("a/./c", "2"), file("///d", "3"), dir("a/e/./")),
    ],
    expect: same,
  },
  {
    name: "a directory called . is the root",
    layers: [tar(dir(".", 0o711)), tar(dir("./.", 0o701))],
    expect: same,
  },
  {
    name: "an empty name of a file is refused",
    layers: [tar(file("", "1"))],
    expect: refused(/./),
  },
  {
    name: "an empty name of a directory is the root",
    layers: [tar(dir("", 0o711, { uid: 3 }))],
    expect: same,
  },
  {
    name: "an empty target of a symbolic link is refused",
    layers: [tar(symlink("l", ""))],
    expect: refused(/./),
  },
  {
    name: "an empty target of a hard link is refused",
    layers: [tar(file("a", "1"), hardlink("h", ""))],
    expect: refused(/./),
  },
  {
    name: "a NUL in a PAX path is refused",
    layers: [tar(pax({ path: "a\0b" }), file("x", "1"))],
    expect: refused(/./),
  },
  {
    name: "a NUL in a PAX link target is refused",
    layers: [tar(pax({ linkpath: "a\0b" }), symlink("x", "y"))],
    expect: refused(/./),
  },
  {
    name: "a name ends at its first NUL",
    layers: [tar(file("a\0b", "1"), symlink("l", "x\0y"))],
    expect: same,
  },
  {
    name: "link targets stay as they are",
    layers: [
      tar(
        ...["./x", "x/", "a//b", "/", ".", "..", "/../..", " ", "a\nb", "/proc/self/root"].map(
          (target, index) => symlink(`l${index}`, target),
        ),
      ),
    ],
    expect: same,
  },
  {
    name: "a file named like a PAX header's own",
    layers: [
      tar(file("PaxHeaders/x", "1"), file("././@LongLink", "2"), file("pax_global_header", "3")),
    ],
    expect: same,
  },
];
