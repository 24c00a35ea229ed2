import { expect, test } from "bun:test";
import { lineOfKey } from "../../lib/config/key_line.ts";

const text = `schema = 1
# name = "no"
"name" = 'web'
args = [
  "a",
]
text = """
image = "no"
"""

[image] # of the registry
reference = "x"

[[volumes]]
path = "/a"

[[volumes]]
path = "/b"
kind = "data"

[colours]
`;

const rows: readonly (readonly [path: (string | number)[], line: number | undefined])[] = [
  [["schema"], 1],
  [["name"], 3],
  [["args"], 4],
  [["args", 1], 4],
  [["image"], 11],
  [["image", "reference"], 12],
  [["volumes", 0, "path"], 15],
  [["volumes", 1, "path"], 18],
  [["volumes", 1], 17],
  [["volumes", 2, "path"], undefined],
  [["colours"], 21],
  [["missing"], undefined],
];

test.each(rows)("lineOfKey() finds %j", (path, line) => {
  expect(lineOfKey(text, path)).toBe(line);
});
