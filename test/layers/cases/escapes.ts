/** Layers that would reach out of the root tree by their names, their links, their types. */

import {
  device,
  dir,
  fifo,
  file,
  hardlink,
  longLink,
  longName,
  opaque,
  pax,
  symlink,
  tar,
  whiteout,
} from "../raw_tar.ts";
import { type LayerCase, refused, refuses, same } from "./case.ts";
import { capability } from "./metadata.ts";

const hostile = { mode: 0o4777, uid: 9, gid: 9, mtime: 1 } as const;

export const escapes: readonly LayerCase[] = [
  {
    name: "a path that begins with .. stays inside",
    layers: [tar(file("../outside/sentinel", "hostile", hostile))],
    expect: same,
  },
  {
    name: "a path with .. in the middle goes up inside",
    layers: [tar(dir("a"), file("a/../b", "1"), file("a/../../../outside/sentinel", "2"))],
    expect: same,
  },
  {
    name: "a path with .. behind a link is cleaned before the link is read",
    layers: [tar(dir("a"), dir("a/b"), symlink("l", "a/b"), file("l/../x", "1"))],
    expect: same,
  },
  {
    name: "a path that ends with .. is the directory above",
    layers: [tar(dir("a"), dir("a/b"), dir("a/b/..", 0o700))],
    expect: same,
  },
  {
    name: "a path that is .. alone is the root",
    layers: [tar(dir("..", 0o711, { uid: 5 }))],
    expect: same,
  },
  {
    name: "a file called .. is refused",
    layers: [tar(file("..", "hostile"))],
    expect: refused(/./),
  },
  {
    name: "an absolute path begins at the root of the tree",
    layers: (outside) => [tar(file(`${outside}/sentinel`, "hostile", hostile), dir("/abs", 0o700))],
    expect: same,
  },
  {
    name: ".. in a PAX path stays inside",
    layers: [
      tar(pax({ path: "../../outside/sentinel" }), file("short", "hostile")),
      tar(pax({ path: "/../../outside/dir" }), dir("short", 0o777)),
    ],
    expect: same,
  },
  {
    name: ".. in a GNU long name stays inside",
    layers: [tar(longName(`${"../".repeat(90)}outside/sentinel`), file("short", "hostile"))],
    expect: same,
  },
  {
    name: "a whiteout behind .. stays inside",
    layers: [
      tar(dir("outside"), file("outside/sentinel", "inside"), dir("a")),
      tar(file("a/../../outside/.wh.sentinel"), file("../.wh.a")),
    ],
    expect: same,
  },
  {
    name: "an opaque marker behind .. stays inside",
    layers: [
      tar(dir("outside"), file("outside/sentinel", "inside")),
      tar(file("../outside/.wh..wh..opq")),
    ],
    expect: same,
  },
  {
    name: "a whiteout of .. in the root is refused",
    layers: [tar(file("a", "1")), tar(file(".wh..."))],
    expect: refused(/whiteout/),
  },
  {
    name: "a whiteout of .. in a directory is refused",
    layers: [tar(dir("a"), file("a/b", "1"), file("c", "2")), tar(file("a/.wh..."))],
    expect: refused(/whiteout/),
  },
  {
    name: "a whiteout of .. behind a link is refused",
    layers: (outside) => [tar(symlink("l", `${outside}/dir`)), tar(file("l/.wh..."))],
    expect: refuses(
      /whiteout/,
      "layer.md, Whiteouts: the name behind .wh. is a base name, which .. is not; the reference finds nothing to delete there",
    ),
  },
  {
    name: "a whiteout of the directory itself is refused",
    layers: [tar(dir("a"), file("a/b", "1")), tar(file("a/.wh.."))],
    expect: refused(/whiteout/),
  },
  {
    name: "a whiteout of no name is refused",
    layers: [tar(dir("a"), file("a/b", "1")), tar(file("a/.wh."))],
    expect: refused(/whiteout/),
  },
  {
    name: "the root as a symbolic link is refused",
    layers: (outside) => [tar(symlink("./", outside), file("sentinel", "hostile"))],
    expect: refused(/root/),
  },
  {
    name: "the root as a file is refused",
    layers: [tar(file(".", "hostile"))],
    expect: refused(/root/),
  },
  {
    name: "the root as a hard link is refused",
    layers: (outside) => [tar(hardlink("/", outside))],
    expect: refused(/root/),
  },
  {
    name: "the root as a fifo, by a path that comes back to it, is refused",
    layers: [tar(dir("a"), fifo("a/.."))],
    expect: refused(/root/),
  },
  {
    name: "a hard link to .. is refused",
    layers: [tar(hardlink("h", "../outside/sentinel"), file("h", "hostile"))],
    expect: refused(/./),
  },
  {
    name: "a hard link to an absolute path begins at the root of the tree",
    layers: [tar(file("a", "1"), hardlink("h", "/a"), hardlink("i", "/../../a"))],
    expect: same,
  },
  {
    name: "a hard link to an absolute path outside is refused",
    layers: (outside) => [tar(hardlink("h", `${outside}/sentinel`), file("h", "hostile"))],
    expect: refused(/./),
  },
  {
    name: "a hard link through a link that leads out is refused",
    layers: (outside) => [tar(symlink("l", outside), hardlink("h", "l/sentinel"))],
    expect: refused(/./),
  },
  {
    name: "a hard link through a link that climbs finds what is inside",
    layers: [
      tar(symlink("l", "../outside"), dir("outside"), file("outside/sentinel", "inside")),
      tar(hardlink("h", "l/sentinel"), symlink("l2", "/outside"), hardlink("i", "l2/../h")),
    ],
    expect: same,
  },
  {
    name: "a hard link to a symbolic link is one more name of the link",
    layers: (outside) => [tar(symlink("l", `${outside}/sentinel`), hardlink("h", "l"))],
    expect: same,
  },
  {
    name: "a file in place of a hard link to a symbolic link does not reach its target",
    layers: (outside) => [
      tar(symlink("l", `${outside}/sentinel`), hardlink("h", "l"), file("h", "hostile", hostile)),
      tar(file("l", "hostile", hostile)),
    ],
    expect: same,
  },
  {
    name: "a hard link by a GNU long target stays inside",
    layers: [
      tar(
        longLink(`${"../".repeat(60)}outside/sentinel`),
        hardlink("h", "x"),
        file("h", "hostile"),
      ),
    ],
    expect: refused(/./),
  },
  {
    name: "mode, owner and time of a symbolic link do not reach its target",
    layers: (outside) => [
      tar(
        symlink("l", `${outside}/sentinel`, hostile),
        symlink("m", "../outside/sentinel", hostile),
        symlink("n", "../outside", hostile),
      ),
    ],
    expect: same,
  },
  {
    name: "attributes of a symbolic link do not reach its target",
    layers: [
      tar(
        pax({ "SCHILY.xattr.security.capability": capability }),
        symlink("l", "../outside/sentinel"),
        file("after"),
      ),
    ],
    expect: same,
  },
  {
    name: "a file in place of a link to a file outside does not reach it",
    layers: (outside) => [
      tar(symlink("l", `${outside}/sentinel`)),
      tar(file("l", "hostile", hostile)),
    ],
    expect: same,
  },
  {
    name: "a directory in place of a link to a directory outside does not reach it",
    layers: (outside) => [tar(symlink("l", `${outside}/dir`)), tar(dir("l", 0o777, { uid: 9 }))],
    expect: same,
  },
  {
    name: "a fifo and a device in place of links do not reach their targets",
    layers: (outside) => [
      tar(symlink("l", `${outside}/sentinel`), symlink("m", "../outside/sentinel")),
      tar(fifo("l"), device("m", "block", [8, 0])),
    ],
    expect: same,
  },
  {
    name: "a tree that is replaced is removed without following its links",
    layers: (outside) => [
      tar(dir("a"), dir("a/b"), symlink("a/b/l", outside), symlink("a/m", "../../outside")),
      tar(file("a", "1")),
    ],
    expect: same,
  },
  {
    name: "a tree that is hidden is removed without following its links",
    layers: (outside) => [
      tar(dir("a"), dir("a/b"), symlink("a/b/l", outside), symlink("a/m", "../../outside")),
      tar(opaque("a")),
      tar(whiteout("a")),
    ],
    expect: same,
  },
  {
    name: "a link in place of a link through which a file just came",
    layers: [
      tar(
        dir("a"),
        dir("b"),
        symlink("l", "a"),
        file("l/x", "1"),
        symlink("l", "b"),
        file("l/y", "2"),
      ),
      tar(file("l/z", "3"), whiteout("l"), symlink("l", "../outside"), file("l/w", "4")),
    ],
    expect: same,
  },
  {
    name: "a hard link to a link in place of a directory through which a file just came",
    layers: (outside) => [
      tar(symlink("l", outside), dir("p"), file("p/x", "1"), hardlink("p", "l"), file("p/y", "2")),
    ],
    expect: same,
  },
  {
    name: "a file in place of a link through which a file just came is no parent",
    layers: [tar(dir("a"), symlink("l", "a"), file("l/x", "1"), file("l", "2"), file("l/y", "3"))],
    expect: refused(/no directory/),
  },
  {
    name: "a whiteout of a link through which a file just came: the next makes a directory",
    layers: [
      tar(dir("a"), symlink("l", "a")),
      tar(file("l/x", "1"), whiteout("l"), file("l/y", "2")),
    ],
    expect: same,
  },
  {
    name: "an opaque marker that hides a link through which a file just came",
    layers: [
      tar(dir("a"), dir("d"), symlink("d/l", "/a")),
      tar(file("d/l/x", "1"), opaque("d"), file("d/l/y", "2")),
    ],
    expect: same,
  },
  {
    name: "a link to the root and one above it lead to the root",
    layers: [
      tar(symlink("r", "/"), symlink("u", "../../.."), dir("a")),
      tar(file("r/x", "1"), file("u/y", "2"), file("r/u/r/a/z", "3")),
    ],
    expect: same,
  },
  {
    name: "a link to itself by way of a directory is a loop",
    layers: [tar(dir("a"), symlink("a/l", "../a/l/b")), tar(file("a/l/x"))],
    expect: refused(/link/),
  },
  {
    name: "100 links in a row are followed",
    layers: [
      tar(
        ...Array.from({ length: 100 }, (_, index) => symlink(`l${index}`, `l${index + 1}`)),
        dir("l100"),
        file("l0/x", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "300 links in a row are refused",
    layers: [
      tar(
        ...Array.from({ length: 300 }, (_, index) => symlink(`l${index}`, `l${index + 1}`)),
        dir("l300"),
        file("l0/x", "1"),
      ),
    ],
    expect: refused(/link/),
  },
  {
    name: "an absolute link resolves as in a chroot",
    layers: [
      tar(dir("run"), dir("var"), symlink("var/run", "/run")),
      tar(file("var/run/pid", "1"), dir("var/run/lock", 0o1777)),
    ],
    expect: same,
  },
];
