/** Sparse files as GNU tar writes them (GNU tar manual, "Sparse Formats"). */

import { file, latin1, octal, pax, renderEntry, tar, zeros } from "../raw_tar.ts";
import { type LayerCase, refused, same, treeOf } from "./case.ts";

const oldSparseBecause =
  "GNU tar manual, Old GNU Format: type S is a regular file with holes; GNU tar writes it (--sparse --format=gnu); the reference refuses the layer";

/** The record of a sparse file whose map stands before its data (GNU tar, format 1.0). */
function sparse1(name: string, realSize: number): Uint8Array {
  return pax({
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": name,
    "GNU.sparse.realsize": String(realSize),
  });
}

export const sparse: readonly LayerCase[] = [
  {
    name: "old GNU sparse files",
    layers: [
      tar(
        oldSparse(
          "s",
          [
            [0, "head"],
            [100_000, "tail"],
          ],
          200_000,
        ),
        file("after", "1"),
      ),
    ],
    expect: treeOf(
      oldSparseBecause,
      tar(
        file(
          "s",
          Buffer.concat([
            latin1("head".padEnd(100_000, "\0")),
            latin1("tail".padEnd(100_000, "\0")),
          ]),
        ),
        file("after", "1"),
      ),
    ),
  },
  {
    name: "old GNU sparse files with more parts than the header holds",
    layers: [
      tar(
        oldSparse(
          "s",
          Array.from({ length: 30 }, (_, index): [number, string] => [
            index * 1000,
            `part ${index}`,
          ]),
          50_000,
        ),
        file("after", "1"),
      ),
    ],
    expect: treeOf(
      oldSparseBecause,
      tar(
        file(
          "s",
          Array.from({ length: 30 }, (_, index) => `part ${index}`.padEnd(1000, "\0"))
            .join("")
            .padEnd(50_000, "\0"),
        ),
        file("after", "1"),
      ),
    ),
  },
  {
    name: "GNU sparse files, format 0.0",
    layers: [
      tar(
        pax([
          ["GNU.sparse.size", "5000"],
          ["GNU.sparse.numblocks", "2"],
          ["GNU.sparse.offset", "1000"],
          ["GNU.sparse.numbytes", "4"],
          ["GNU.sparse.offset", "4000"],
          ["GNU.sparse.numbytes", "3"],
        ]),
        file("s", "fourtre"),
        file("after", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "GNU sparse files, format 0.1",
    layers: [
      tar(
        pax({
          "GNU.sparse.size": "5000",
          "GNU.sparse.numblocks": "2",
          "GNU.sparse.map": "1000,4,4000,3",
          "GNU.sparse.name": "real/name",
        }),
        file("GNUSparseFile.1/name", "fourtre", { mode: 0o4755, uid: 3 }),
        file("after", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "GNU sparse files, format 1.0",
    layers: [
      tar(
        sparse1("real/name", 5000),
        file("GNUSparseFile.1/name", sparseMap("2\n1000\n4\n4000\n3\n", "fourtre")),
        file("after", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "a sparse file that is one hole, and one with a hole at its end",
    layers: [
      tar(
        sparse1("hole", 70000),
        file("x", sparseMap("1\n70000\n0\n", "")),
        sparse1("end", 70000),
        file("y", sparseMap("2\n0\n4\n70000\n0\n", "head")),
        file("after", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "a sparse map that reaches beyond the file is refused",
    layers: [tar(sparse1("s", 10), file("x", sparseMap("1\n1000\n4\n", "four")))],
    expect: refused(/holes/),
  },
  {
    name: "a sparse map whose parts overlap is refused",
    layers: [tar(sparse1("s", 1000), file("x", sparseMap("2\n0\n4\n2\n4\n", "fourfour")))],
    expect: refused(/holes/),
  },
  {
    name: "a sparse map that is no map is refused",
    layers: [tar(sparse1("s", 1000), file("x", sparseMap("many\n", "four")))],
    expect: refused(/holes/),
  },
  {
    name: "a sparse map with more data than the entry holds is refused",
    layers: [
      tar(
        pax({ "GNU.sparse.size": "5000", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,4000" }),
        file("s", "four"),
        file("after", "1"),
      ),
    ],
    expect: refused(/./),
  },
  {
    name: "a name of a sparse file that climbs stays inside",
    layers: [tar(sparse1("../../outside/sentinel", 4), file("x", sparseMap("1\n0\n4\n", "four")))],
    expect: same,
  },
];

/** GNU's first form: type S, the map in the header and in blocks behind it (GNU tar, "Old GNU Format"). */
function oldSparse(
  name: string,
  parts: readonly (readonly [number, string])[],
  size: number,
): Uint8Array {
  const slot = ([offset, data]: readonly [number, string]) =>
    `${octal(offset, 12)}${octal(data.length, 12)}`;
  const more: string[] = [];
  for (let at = 4; at < parts.length; at += 21) {
    const slots = parts
      .slice(at, at + 21)
      .map(slot)
      .join("");
    more.push(
      `${slots.padEnd(504, "\0")}${at + 21 < parts.length ? "\x01" : "\0"}`.padEnd(512, "\0"),
    );
  }
  const data = parts.map(([, text]) => text).join("");
  const header = renderEntry({
    name,
    type: "S",
    format: "gnu",
    size: data.length,
    patch: {
      386: parts.slice(0, 4).map(slot).join(""),
      482: more.length > 0 ? "\x01" : "\0",
      483: octal(size, 12),
    },
  });
  const body = latin1(data);
  return Buffer.concat([
    header,
    latin1(more.join("")),
    body,
    zeros((512 - (body.length % 512)) % 512),
  ]);
}

/** The map of format 1.0 stands before the data, filled up to a block. */
function sparseMap(map: string, data: string): Uint8Array {
  return latin1(`${map.padEnd(Math.ceil(map.length / 512) * 512, "\0")}${data}`);
}
