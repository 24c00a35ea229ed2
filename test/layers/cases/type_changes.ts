/** One type of entry over another, and parents that are none. */

import {
  device,
  dir,
  fifo,
  file,
  hardlink,
  type RawHeader,
  symlink,
  tar,
  whiteout,
} from "../raw_tar.ts";
import { type LayerCase, refused, same, treeOf } from "./case.ts";

const types: readonly (readonly [what: string, entries: (mark: number) => RawHeader[]])[] = [
  ["a file", (mark) => [file("x", `file ${mark}`, { mode: 0o640, uid: mark, mtime: mark })]],
  ["a directory", (mark) => [dir("x", 0o751, { uid: mark, mtime: mark }), file("x/child", "1")]],
  ["an empty directory", (mark) => [dir("x", 0o2751, { gid: mark, mtime: mark })]],
  ["a symbolic link to a directory", (mark) => [symlink("x", "d", { uid: mark, mtime: mark })]],
  ["a symbolic link to nothing", (mark) => [symlink("x", `no${mark}`, { gid: mark })]],
  ["a hard link", () => [hardlink("x", "f")]],
  ["a fifo", (mark) => [fifo("x", { mode: 0o620, uid: mark, mtime: mark })]],
  ["a device", (mark) => [device("x", "char", [mark, 3], { mode: 0o660, gid: mark })]],
];

const base = [file("f", "linked"), dir("d"), file("d/inside", "1")];

const matrix: LayerCase[] = types.flatMap(([upper, second]) =>
  types.flatMap(([lower, first]): LayerCase[] => [
    {
      name: `${upper} over ${lower} of a lower layer`,
      layers: [tar(...base, ...first(1)), tar(...second(2))],
      expect: same,
    },
    {
      name: `${upper} over ${lower} of the same layer`,
      layers: [tar(...base, ...first(1), ...second(2))],
      expect: same,
    },
  ]),
);

export const typeChanges: readonly LayerCase[] = [
  ...matrix,
  {
    name: "a directory becomes a file and a directory again",
    layers: [
      tar(dir("a", 0o700), file("a/old", "1")),
      tar(file("a", "2")),
      tar(dir("a", 0o711), file("a/new", "3")),
    ],
    expect: same,
  },
  {
    name: "a directory becomes a file and a directory again in one layer",
    layers: [tar(dir("a", 0o700), file("a/old"), file("a", "2"), dir("a", 0o711), file("a/new"))],
    expect: same,
  },
  {
    name: "a directory over a directory of a lower layer keeps what is in it",
    layers: [
      tar(dir("a", 0o700, { uid: 1 }), file("a/x", "1"), dir("a/d"), file("a/d/y", "2")),
      tar(dir("a", 0o1777, { gid: 2, mtime: 7 })),
    ],
    expect: same,
  },
  {
    name: "a directory over a link to a directory replaces the link",
    layers: [
      tar(dir("real"), file("real/x", "1"), symlink("a", "real")),
      tar(dir("a", 0o700), file("a/y", "2")),
    ],
    expect: same,
  },
  {
    name: "a file below a link to a directory follows it",
    layers: [tar(dir("real"), symlink("a", "real")), tar(file("a/y", "2"))],
    expect: same,
  },
  {
    name: "a file of a lower layer gives way to a directory that an entry implies",
    layers: [tar(file("a", "1"), file("b", "2")), tar(file("a/x", "3"))],
    expect: treeOf(
      "layer.md, Applying Changesets: what an entry's path needs replaces what is there, as overlayfs shows it; the reference cannot make the parent",
      tar(file("b", "2"), file("a/x", "3")),
    ),
  },
  {
    name: "a fifo of a lower layer gives way to a directory that an entry implies",
    layers: [tar(fifo("a")), tar(file("a/b/x", "3"))],
    expect: treeOf(
      "layer.md, Applying Changesets: as a file that is in the way of a parent",
      tar(file("a/b/x", "3")),
    ),
  },
  {
    name: "a file of the same layer as a parent is refused",
    layers: [tar(file("a", "1"), file("a/x", "2"))],
    expect: refused(/./),
  },
  {
    name: "a fifo of the same layer as a parent is refused",
    layers: [tar(fifo("a"), dir("a/x"))],
    expect: refused(/./),
  },
  {
    name: "a link to a file of the same layer as a parent is refused",
    layers: [tar(file("f", "1"), symlink("a", "f"), file("a/x", "2"))],
    expect: refused(/./),
  },
  {
    name: "a hard link below a file of the same layer is refused",
    layers: [tar(file("f", "1"), file("g", "2"), hardlink("f/h", "g"))],
    expect: refused(/./),
  },
  {
    name: "a hard link to a file below a file is refused",
    layers: [tar(file("f", "1"), hardlink("h", "f/x"))],
    expect: refused(/./),
  },
  {
    name: "a directory entry with a file's name of a lower layer hides the file",
    layers: [tar(file("a", "1")), tar(dir("a", 0o700), file("a/x", "2"))],
    expect: same,
  },
  {
    name: "an implied directory of a lower layer becomes a file",
    layers: [tar(file("a/b/c", "1")), tar(file("a/b", "2"))],
    expect: same,
  },
  {
    name: "a whiteout and a file of its name, then a directory, over three layers",
    layers: [
      tar(dir("a"), file("a/x", "1")),
      tar(whiteout("a"), file("a", "2")),
      tar(whiteout("a"), dir("a"), file("a/y", "3")),
    ],
    expect: same,
  },
  {
    name: "a hard link to a directory is refused",
    layers: [tar(dir("d"), hardlink("h", "d"))],
    expect: refused(/./),
  },
  {
    name: "a hard link to nothing is refused",
    layers: [tar(hardlink("h", "nothing"))],
    expect: refused(/./),
  },
  {
    name: "a hard link to itself is refused",
    layers: [tar(file("h", "1")), tar(hardlink("h", "h"))],
    expect: refused(/./),
  },
  {
    name: "a hard link to another name of the same file replaces nothing but a name",
    layers: [tar(file("a", "1"), hardlink("b", "a")), tar(hardlink("b", "a"))],
    expect: same,
  },
  {
    name: "a hard link before its file is refused",
    layers: [tar(hardlink("h", "later"), file("later", "1"))],
    expect: refused(/./),
  },
  {
    name: "a hard link to a fifo, a device and a link makes one more name of each",
    layers: [
      tar(
        fifo("p"),
        hardlink("p2", "p"),
        device("c", "char", [1, 3]),
        hardlink("c2", "c"),
        symlink("l", "x"),
        hardlink("l2", "l"),
      ),
    ],
    expect: same,
  },
  {
    name: "a file in place of the root's own link target does not follow",
    layers: [tar(symlink("a", "."), file("a/b", "1")), tar(file("a", "2"))],
    expect: same,
  },
  {
    name: "a directory entry below a file of a lower layer makes the directories",
    layers: [tar(file("a", "1")), tar(dir("a/b/c", 0o700))],
    expect: treeOf(
      "layer.md, Applying Changesets: as a file that is in the way of a parent",
      tar(dir("a/b/c", 0o700)),
    ),
  },
  {
    name: "a whiteout below a file hides nothing",
    layers: [tar(file("a", "1")), tar(whiteout("a/b"), whiteout("a/b/c"))],
    expect: same,
  },
  {
    name: "an opaque marker below a file of a lower layer makes nothing",
    layers: [tar(file("a", "1")), tar(file("a/.wh..wh..opq"))],
    expect: same,
  },
  {
    name: "a hard link takes the place of a link that its own target leads through",
    layers: [tar(symlink("c", "."), file("g", "22")), tar(hardlink("c", "c/g"))],
    expect: treeOf(
      "the target is there when the entry comes; the reference removes the name before it looks",
      tar(file("g", "22"), hardlink("c", "g")),
    ),
  },
];
