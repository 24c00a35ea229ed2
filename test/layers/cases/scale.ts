/** Many layers, many entries, much depth. */

import {
  dir,
  file,
  hardlink,
  opaque,
  pax,
  type RawHeader,
  symlink,
  tar,
  unended,
  whiteout,
} from "../raw_tar.ts";
import { type LayerCase, same } from "./case.ts";

const count = <T>(length: number, make: (index: number) => T) =>
  Array.from({ length }, (_, index) => make(index));

export const scale: readonly LayerCase[] = [
  {
    name: "127 layers, each with a file of its own and a change to a shared one",
    layers: count(127, (index) =>
      tar(dir("d", 0o755, { mtime: index }), file(`d/${index}`, "1"), file("shared", `${index}`)),
    ),
    expect: same,
  },
  {
    name: "127 layers, each hides what the one below made",
    layers: count(127, (index) => tar(opaque("d"), dir("d"), file(`d/${index}`, "1"))),
    expect: same,
  },
  {
    name: "10,000 entries in one directory",
    layers: [tar(dir("d", 0o755, { mtime: 5 }), ...count(10_000, (index) => file(`d/${index}`)))],
    expect: same,
  },
  {
    name: "3,000 whiteouts",
    layers: [
      tar(dir("d", 0o755, { mtime: 5 }), ...count(4_000, (index) => file(`d/${index}`))),
      tar(...count(3_000, (index) => whiteout(`d/${index}`))),
    ],
    expect: same,
  },
  {
    name: "200 directories deep",
    layers: [
      tar(
        ...count(200, (index) =>
          unended(
            pax({ path: `${"d/".repeat(index + 1)}` }),
            dir("x", 0o700 + (index % 64), { mtime: index }),
          ),
        ),
        pax({ path: `${"d/".repeat(200)}f` }),
        file("x", "bottom"),
      ),
      tar(pax({ path: `${"d/".repeat(200)}.wh.f` }), file("x")),
    ],
    expect: same,
  },
  {
    name: "a hard link from a file 150 directories deep to another 150 deep",
    layers: [
      tar(
        deep("a", 150, file("x", "bottom")),
        deep("b", 150, file("x", "other")),
        pax({ path: `${"b/".repeat(150)}h`, linkpath: `${"a/".repeat(150)}f` }),
        hardlink("x", "y"),
      ),
    ],
    expect: same,
  },
  {
    name: "1,000 names of one file",
    layers: [
      tar(file("f", "1"), ...count(999, (index) => hardlink(`h${index}`, "f"))),
      tar(file("f", "2"), whiteout("h7")),
    ],
    expect: same,
  },
  {
    name: "100 attributes of one file",
    layers: [
      tar(
        pax(
          Object.fromEntries(
            count(100, (index) => [`SCHILY.xattr.user.a${index}`, `value ${index}`]),
          ),
        ),
        file("f", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "2,000 directories, each with a link to the next, filled through the links",
    layers: [
      tar(
        ...count(2_000, (index) =>
          unended(dir(`d${index}`), symlink(`d${index}/next`, `../d${index + 1}`)),
        ),
      ),
      tar(...count(1_999, (index) => file(`d${index}/next/f`, `${index}`))),
    ],
    expect: same,
  },
];

/** A file `f` below so many directories of one name. */
function deep(name: string, depth: number, entry: RawHeader): Uint8Array {
  return unended(pax({ path: `${`${name}/`.repeat(depth)}f` }), entry);
}
