/** Whiteouts and opaque markers (OCI image-spec, layer.md, "Whiteouts"). */

import {
  device,
  dir,
  fifo,
  file,
  hardlink,
  opaque,
  pax,
  symlink,
  tar,
  whiteout,
} from "../raw_tar.ts";
import { type LayerCase, refused, refuses, same, treeOf } from "./case.ts";

/** A directory with something of every kind. */
const full = tar(
  dir("a", 0o751, { uid: 3, mtime: 77 }),
  file("a/x", "x"),
  dir("a/d"),
  file("a/d/y", "y"),
  dir("a/d/e"),
  symlink("a/l", "x"),
  fifo("a/p"),
  hardlink("a/h", "a/x"),
  file("b", "b"),
);

export const whiteouts: readonly LayerCase[] = [
  { name: "a whiteout hides a file", layers: [full, tar(whiteout("a/x"))], expect: same },
  { name: "a whiteout hides a tree", layers: [full, tar(whiteout("a"))], expect: same },
  {
    name: "a whiteout hides an empty directory",
    layers: [full, tar(whiteout("a/d/e"))],
    expect: same,
  },
  {
    name: "a whiteout hides a link, not its target",
    layers: [full, tar(whiteout("a/l"))],
    expect: same,
  },
  { name: "a whiteout hides a fifo", layers: [full, tar(whiteout("a/p"))], expect: same },
  {
    name: "a whiteout hides one of two hard-linked names",
    layers: [full, tar(whiteout("a/h"))],
    expect: same,
  },
  { name: "a whiteout in the root hides a file", layers: [full, tar(whiteout("b"))], expect: same },
  {
    name: "a whiteout of nothing does nothing",
    layers: [full, tar(whiteout("no"), whiteout("no/no"))],
    expect: same,
  },
  {
    name: "a whiteout hides an absolute link and a link to nothing",
    layers: (outside) => [
      tar(symlink("l", outside), symlink("m", "no"), symlink("n", "/")),
      tar(whiteout("l"), whiteout("m"), whiteout("n")),
    ],
    expect: same,
  },
  {
    name: "a whiteout in a linked directory follows the link",
    layers: [tar(dir("d"), file("d/x", "1"), symlink("l", "/d")), tar(whiteout("l/x"))],
    expect: same,
  },
  {
    name: "a whiteout before the new entry of its name lets the entry stay",
    layers: [full, tar(whiteout("a/x"), file("a/x", "new"))],
    expect: same,
  },
  {
    name: "a whiteout behind the new entry of its name lets the entry stay",
    layers: [full, tar(file("a/x", "new"), whiteout("a/x"))],
    expect: same,
  },
  {
    name: "a whiteout in the first layer, behind its file, lets the file stay",
    layers: [tar(file("x", "1"), whiteout("x"))],
    expect: same,
  },
  {
    name: "a whiteout of a directory that the same layer names keeps the directory alone",
    layers: [full, tar(dir("a", 0o700), whiteout("a"))],
    expect: same,
  },
  {
    name: "a whiteout of a directory before the same layer names it hides its children",
    layers: [full, tar(whiteout("a"), dir("a", 0o700), file("a/new", "1"))],
    expect: same,
  },
  {
    name: "a whiteout of a tree behind new children hides the old children alone",
    layers: [full, tar(file("a/d/new", "1"), whiteout("a"))],
    expect: same,
  },
  {
    name: "a whiteout of a tree before a new child makes the directory anew",
    layers: [full, tar(whiteout("a"), file("a/d/new", "1"))],
    expect: same,
  },
  {
    name: "a whiteout of a directory that the layer replaces by a file leaves the file",
    layers: [full, tar(file("a", "1"), whiteout("a"))],
    expect: same,
  },
  {
    name: "a whiteout of a directory of the same layer, in place of a file, keeps it",
    layers: [full, tar(dir("b"), file("b/x", "1"), whiteout("b"))],
    expect: same,
  },
  {
    name: "a whiteout twice is a whiteout",
    layers: [full, tar(whiteout("a/x"), whiteout("a/x")), tar(whiteout("a/x"))],
    expect: same,
  },
  {
    name: "a whiteout of a hidden name",
    layers: [
      tar(file(".hidden", "1"), file("..two", "2"), file("...", "3")),
      tar(file(".wh..hidden"), file(".wh...two"), file(".wh....")),
    ],
    expect: same,
  },
  {
    name: "a whiteout of a name with odd bytes",
    layers: [
      tar(file(Buffer.from("a\xff\nb", "latin1"), "1"), file("-rf", "2"), file(" ", "3")),
      tar(file(Buffer.from(".wh.a\xff\nb", "latin1")), file(".wh.-rf"), file(".wh. ")),
    ],
    expect: same,
  },
  {
    name: "a whiteout with data, as a directory, as a link, as a device is a whiteout",
    layers: [
      full,
      tar(
        file("a/.wh.x", "some data", { mode: 0o777 }),
        dir("a/.wh.d"),
        symlink("a/.wh.l", "x"),
        hardlink("a/.wh.h", "nothing"),
        device("a/.wh.p", "char", [0, 0]),
      ),
    ],
    expect: same,
  },
  {
    name: "a whiteout with a slash behind it is a whiteout",
    layers: [full, tar(file("a/.wh.d/", ""))],
    expect: same,
  },
  {
    name: "a path through a directory that is called like a whiteout is refused",
    layers: [full, tar(file("a/.wh.d/x", "1"))],
    expect: refuses(
      /whiteout/,
      "layer.md, Whiteouts: no directory can have a name that begins with .wh.; the reference makes one",
    ),
  },
  {
    name: "a whiteout keeps its parent's time",
    layers: [
      tar(
        dir("a", 0o700, { mtime: 5 }),
        file("a/x"),
        dir("a/d", 0o700, { mtime: 6 }),
        file("a/d/y"),
      ),
      tar(whiteout("a/x"), whiteout("a/d/y")),
    ],
    expect: same,
  },
  {
    name: "an opaque marker first hides what lower layers left",
    layers: [full, tar(opaque("a"), file("a/new", "1"))],
    expect: same,
  },
  {
    name: "an opaque marker in the middle hides what lower layers left alone",
    layers: [full, tar(file("a/before", "1"), opaque("a"), file("a/after", "2"))],
    expect: same,
  },
  {
    name: "an opaque marker last hides what lower layers left alone",
    layers: [full, tar(dir("a", 0o700), file("a/d/new", "1"), file("a/x", "2"), opaque("a"))],
    expect: same,
  },
  {
    name: "an opaque marker keeps the directory's metadata",
    layers: [full, tar(opaque("a"))],
    expect: same,
  },
  {
    name: "nested opaque markers",
    layers: [full, tar(opaque("a/d"), opaque("a"), file("a/d/new", "1"), opaque("a/d"))],
    expect: same,
  },
  {
    name: "an opaque marker in the root",
    layers: [full, tar(file("new", "1"), opaque())],
    expect: same,
  },
  {
    name: "an opaque marker twice",
    layers: [full, tar(opaque("a"), file("a/n"), opaque("a")), tar(opaque("a"))],
    expect: same,
  },
  {
    name: "an opaque marker in a directory that is missing",
    layers: [full, tar(opaque("no"), opaque("no/where"))],
    expect: same,
  },
  {
    name: "an opaque marker in a directory that the layer makes",
    layers: [full, tar(dir("new", 0o700), opaque("new"), file("new/x", "1"))],
    expect: same,
  },
  {
    name: "an opaque marker behind a file in place of its directory",
    layers: [full, tar(file("a", "1"), opaque("a"))],
    expect: same,
  },
  {
    name: "an opaque marker in a linked directory follows the link",
    layers: [
      tar(dir("d"), file("d/x", "1"), symlink("l", "/d")),
      tar(opaque("l"), file("l/y", "2")),
    ],
    expect: same,
  },
  {
    name: "an opaque marker with data, as a directory, as a link",
    layers: [
      full,
      tar(file("a/.wh..wh..opq", "data")),
      full,
      tar(dir("a/.wh..wh..opq")),
      full,
      tar(symlink("a/.wh..wh..opq", "x")),
    ],
    expect: same,
  },
  {
    name: "an opaque marker hides a tree of links without following them",
    layers: [
      tar(dir("a"), symlink("a/l", "../keep"), dir("keep"), file("keep/x", "1")),
      tar(opaque("a")),
    ],
    expect: same,
  },
  {
    name: "an opaque marker and a whiteout in one layer",
    layers: [full, tar(opaque("a"), whiteout("a/x"), file("a/x", "new"), whiteout("b"))],
    expect: same,
  },
  {
    name: "what AUFS left is skipped",
    layers: [
      full,
      tar(
        dir(".wh..wh.plnk", 0o700),
        file(".wh..wh.plnk/1.2", "1"),
        file(".wh..wh.aufs", "2"),
        dir(".wh..wh.orph", 0o700),
        file("a/.wh..wh.plnk", "3"),
        file("new", "4"),
      ),
    ],
    expect: treeOf(
      "aufs(5): names that begin with .wh..wh. are its own records; the reference makes a directory of the same name for what is below one",
      full,
      tar(file("new", "4")),
    ),
  },
  {
    name: "a hard link to what the same layer hides is refused",
    layers: [full, tar(whiteout("a/x"), whiteout("a/h"), hardlink("new", "a/x"))],
    expect: refused(/./),
  },
  {
    name: "a hard link to what an opaque marker of the same layer hides is refused",
    layers: [full, tar(opaque("a"), hardlink("new", "a/x"))],
    expect: refused(/./),
  },
  {
    name: "a hard link, and then a whiteout of the file that it links to",
    layers: [full, tar(hardlink("new", "a/x"), whiteout("a/x"))],
    expect: same,
  },
  {
    name: "a file that is moved by a hard link and a whiteout",
    layers: [
      tar(pax({ "SCHILY.xattr.user.a": "1" }), file("old", "1", { mode: 0o4755, uid: 2 })),
      tar(hardlink("new", "old"), whiteout("old")),
    ],
    expect: same,
  },
  {
    name: "a name made, hidden and made again over five layers",
    layers: [
      tar(file("x", "1")),
      tar(whiteout("x")),
      tar(dir("x"), file("x/y")),
      tar(whiteout("x")),
      tar(symlink("x", "z")),
    ],
    expect: same,
  },
  {
    name: "a whiteout below a link that the same layer put in place of a directory",
    layers: [
      tar(dir("a"), file("a/x", "1"), dir("b"), file("b/x", "2")),
      tar(symlink("a", "b"), whiteout("a/x")),
    ],
    expect: same,
  },
  {
    name: "a whiteout behind a file in a directory that the layer implies below the hidden one",
    layers: [tar(dir("a"), file("a/old", "1")), tar(file("a/new/x", "2"), whiteout("a"))],
    expect: same,
  },
  {
    name: "a whiteout behind a directory that the layer makes below the hidden one",
    layers: [tar(file("a/old", "1")), tar(dir("a/new/d", 0o700), whiteout("a"))],
    expect: same,
  },
  {
    name: "a whiteout behind a link, a hard link, a fifo and a device below the hidden directory",
    layers: [
      tar(dir("a"), file("a/old", "1"), file("f", "2")),
      tar(symlink("a/l", "x"), whiteout("a")),
      tar(hardlink("a/h", "f"), whiteout("a")),
      tar(fifo("a/p"), whiteout("a")),
      tar(device("a/c", "char", [1, 3]), whiteout("a")),
    ],
    expect: same,
  },
  {
    name: "a whiteout of a directory that another name of this layer leads into by a link",
    layers: [
      tar(dir("a"), file("a/old", "1"), symlink("l", "a")),
      tar(file("l/new", "2"), whiteout("a")),
    ],
    expect: same,
  },
  {
    name: "an opaque marker lets stay what came by another path",
    layers: [
      tar(dir("a"), file("a/old", "1"), symlink("l", "a")),
      tar(file("l/new", "2"), opaque("a")),
    ],
    expect: same,
  },
  {
    name: "a whiteout of a link lets stay what came through it",
    layers: [tar(dir("a"), symlink("l", "a")), tar(file("l/new", "2"), whiteout("l"))],
    expect: same,
  },
  {
    name: "a whiteout hides what the layer made only to be replaced",
    layers: [
      tar(dir("a"), file("a/x", "lower")),
      tar(file("a/y", "1"), file("a", "2"), dir("a"), whiteout("a")),
    ],
    expect: same,
  },
  {
    name: "a whiteout of a name that a hard link of the same layer took lets it stay",
    layers: [full, tar(hardlink("b", "a/x"), whiteout("b"))],
    expect: same,
  },
];
