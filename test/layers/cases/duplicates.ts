/** The same name twice, and names that share an inode. */

import { dir, fifo, file, hardlink, pax, symlink, tar, whiteout } from "../raw_tar.ts";
import { type LayerCase, same } from "./case.ts";

export const duplicates: readonly LayerCase[] = [
  {
    name: "the later of two files of one name wins, with its metadata",
    layers: [tar(file("a", "first, longer", { mode: 0o4755, uid: 1 }), file("a", "2", { gid: 3 }))],
    expect: same,
  },
  {
    name: "the later of two symbolic links wins",
    layers: [tar(symlink("a", "x", { uid: 1 }), symlink("a", "y"))],
    expect: same,
  },
  {
    name: "the later of two directories sets the metadata",
    layers: [
      tar(dir("a", 0o700, { mtime: 5 }), file("a/x"), dir("a", 0o755, { mtime: 9, uid: 4 })),
    ],
    expect: same,
  },
  {
    name: "attributes of the first of two files do not stay",
    layers: [tar(pax({ "SCHILY.xattr.user.a": "1" }), file("a", "1"), file("a", "2"))],
    expect: same,
  },
  {
    name: "attributes of the first of two directories do not stay",
    layers: [tar(pax({ "SCHILY.xattr.user.a": "1" }), dir("a"), dir("a"))],
    expect: same,
  },
  {
    name: "attributes of a lower layer's directory do not stay",
    layers: [tar(pax({ "SCHILY.xattr.user.a": "1" }), dir("a")), tar(dir("a", 0o700))],
    expect: same,
  },
  {
    name: "attributes of a lower layer's directory stay where no entry names it",
    layers: [tar(pax({ "SCHILY.xattr.user.a": "1" }), dir("a", 0o700)), tar(file("a/x"))],
    expect: same,
  },
  {
    name: "a file in place of one of two hard-linked names leaves the other",
    layers: [tar(file("a", "old", { uid: 1 }), hardlink("b", "a"), file("a", "new", { uid: 2 }))],
    expect: same,
  },
  {
    name: "a file in place of the second hard-linked name leaves the first",
    layers: [tar(file("a", "old"), hardlink("b", "a"), file("b", "new", { mode: 0o600 }))],
    expect: same,
  },
  {
    name: "a file in place of a lower layer's hard-linked name leaves the others",
    layers: [
      tar(file("a", "old"), hardlink("b", "a"), hardlink("c", "b")),
      tar(file("b", "new", { mode: 0o4711, uid: 5 })),
    ],
    expect: same,
  },
  {
    name: "an empty file in place of a hard-linked name empties only that",
    layers: [tar(file("a", "old"), hardlink("b", "a")), tar(file("a"))],
    expect: same,
  },
  {
    name: "a hard link to a lower layer's file shares it",
    layers: [tar(file("a", "1", { mode: 0o600, uid: 3 })), tar(dir("d"), hardlink("d/b", "a"))],
    expect: same,
  },
  {
    name: "a hard link's own mode, owner, time and attributes are not read",
    layers: [
      tar(
        file("a", "1", { mode: 0o640, uid: 3 }),
        pax({ "SCHILY.xattr.user.a": "1", mtime: "5" }),
        hardlink("b", "a", { mode: 0o4777, uid: 9, gid: 9, mtime: 1 }),
      ),
    ],
    expect: same,
  },
  {
    name: "a hard link and a whiteout of its first name keep the file",
    layers: [tar(file("a", "1")), tar(hardlink("b", "a")), tar(whiteout("a"))],
    expect: same,
  },
  {
    name: "a fifo twice is one fifo",
    layers: [tar(fifo("a", { uid: 1 }), fifo("a", { uid: 2 })), tar(fifo("a", { uid: 3 }))],
    expect: same,
  },
  {
    name: "names that differ in slashes and dots are one",
    layers: [tar(file("a", "1"), file("./a", "2"), file("//a", "3"), file("x/../a", "4"))],
    expect: same,
  },
  {
    name: "names that differ in case, or in the form of an accent, are two",
    layers: [tar(file("a", "1"), file("A", "2"), file("\u00e9", "3"), file("e\u0301", "4"))],
    expect: same,
  },
  {
    name: "three hard links over two layers are one group",
    layers: [
      tar(dir("d"), file("d/a", "1"), hardlink("d/b", "d/a")),
      tar(hardlink("e", "d/b"), file("d/a", "2")),
    ],
    expect: same,
  },
  {
    name: "a file through a link and by its own path is one file",
    layers: [tar(dir("d"), symlink("l", "d"), file("l/a", "1"), file("d/a", "2"))],
    expect: same,
  },
  {
    name: "a file in place of a directory's name keeps the parent's time",
    layers: [tar(dir("p", 0o755, { mtime: 9 }), dir("p/a"), file("p/a/x"), file("p/a", "1"))],
    expect: same,
  },
];
