/** Every kind of entry below every kind of link, found in the same layer and in a lower one. */

import {
  device,
  dir,
  fifo,
  file,
  hardlink,
  opaque,
  type RawHeader,
  symlink,
  tar,
  whiteout,
} from "../raw_tar.ts";
import { type LayerCase, refused, same } from "./case.ts";

type Entries = readonly (RawHeader | Uint8Array)[];

const base: Entries = [dir("in"), file("in/x", "lower"), dir("in/d"), file("own", "own")];

/** What stands below a link. */
const below: readonly (readonly [what: string, entries: (place: string) => Entries])[] = [
  ["a file", (place) => [file(`${place}/x`, "hostile", { mode: 0o4777, uid: 9 })]],
  ["a directory", (place) => [dir(`${place}/x`, 0o700, { uid: 9 })]],
  ["a fifo", (place) => [fifo(`${place}/x`)]],
  ["a device", (place) => [device(`${place}/x`, "char", [1, 3])]],
  ["a hard link", (place) => [hardlink(`${place}/x`, "own")]],
  ["a whiteout", (place) => [whiteout(`${place}/x`)]],
  ["an opaque marker", (place) => [opaque(place)]],
];

/** How `p` comes to be a link; `after` comes right behind it. */
const links: readonly (readonly [
  what: string,
  first: Entries,
  second: (outside: string) => Entries,
  isLoop?: "loop",
])[] = [
  ["an absolute link to a folder outside", [], (outside) => [symlink("p", outside)]],
  ["a relative link that climbs out", [], () => [symlink("p", "../outside")]],
  [
    "a chain of links",
    [],
    () => [symlink("p", "in/q"), symlink("in/q", "../r"), symlink("r", "/../../outside")],
  ],
  ["a loop of links", [], () => [symlink("p", "q"), symlink("q", "p")], "loop"],
  ["a link to nothing", [], () => [symlink("p", "no/where")]],
  ["a link to a directory", [], () => [symlink("p", "/in")]],
  [
    "a link in place of a directory that was just used",
    [dir("p"), file("p/first")],
    (outside) => [file("p/second"), symlink("p", outside)],
  ],
  [
    "a link in place of an implied directory",
    [],
    (outside) => [file("p/q/first"), symlink("p/q", outside), symlink("p", "p2"), dir("p2")],
  ],
  [
    "a link whose name was looked up and missing",
    [],
    (outside) => [whiteout("p/x"), opaque("p"), symlink("p", outside)],
  ],
  [
    "a link in place of a directory above the one that was used",
    [],
    (outside) => [dir("p"), dir("p/x"), file("p/x/y"), symlink("p", outside)],
  ],
];

export const belowLinks: readonly LayerCase[] = links.flatMap(([link, first, second, isLoop]) =>
  below.flatMap(([what, entries]): LayerCase[] => [
    {
      name: `${what} below ${link} of the same layer`,
      layers: (outside) => [tar(...base, ...first), tar(...second(outside), ...entries("p"))],
      expect: isLoop ? refused(/link/) : same,
    },
    {
      name: `${what} below ${link} of a lower layer`,
      layers: (outside) => [tar(...base, ...first, ...second(outside)), tar(...entries("p"))],
      expect: isLoop ? refused(/link/) : same,
    },
  ]),
);
