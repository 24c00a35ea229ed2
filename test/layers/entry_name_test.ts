import { describe, expect, test } from "bun:test";
import { resolve } from "node:path/posix";
import fc from "fast-check";
import { cleanName, isAufsRecord, splitPath } from "../../lib/layers/entry_name.ts";
import { LayerError } from "../../lib/layers/layer_error.ts";

describe("cleanName()", () => {
  test.each([
    ["a/b", "a/b"],
    ["./a", "a"],
    ["/a", "a"],
    ["//a//b//", "a/b"],
    ["a/./b/.", "a/b"],
    ["a/../b", "b"],
    ["../../a", "a"],
    ["a/..", ""],
    [".", ""],
    ["./", ""],
    ["/", ""],
    ["", ""],
    ["..", ""],
    ["...", "..."],
    ["a/...b/.c", "a/...b/.c"],
    [" a \n", " a \n"],
  ])("makes of %j %j", (name, path) => expect(cleanName(name)).toBe(path));

  test("gives what the root would", () => {
    const part = fc.constantFrom("a", "b", ".", "..", "", "...", ".wh.a");
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const name = parts.join("/");
        expect(`/${cleanName(name)}`).toBe(resolve("/", name.replace(/^\/+/, "")));
      }),
    );
  });

  test("takes 4,095 bytes, and refuses more, and a NUL", () => {
    expect(cleanName("a".repeat(4095))).toHaveLength(4095);
    expect(() => cleanName("a".repeat(4096))).toThrow(LayerError);
    expect(cleanName("x/../".repeat(10_000))).toBe("");
    expect(() => cleanName("a\0b")).toThrow(LayerError);
  });
});

test.each([
  ["a", "", "a"],
  ["a/b", "a", "b"],
  ["a/b/c", "a/b", "c"],
])("splitPath() parts %j", (path, parent, base) => {
  expect(splitPath(path)).toEqual({ parent, base });
});

test.each([
  [".wh..wh.plnk", true],
  [".wh..wh.plnk/1.2", true],
  ["a/.wh..wh.orph/x", true],
  [".wh..wh..opq", false],
  ["a/.wh..wh..opq", false],
  [".wh.a", false],
  ["x.wh..wh.plnk", false],
])("isAufsRecord() says of %j: %p", (path, isRecord) => expect(isAufsRecord(path)).toBe(isRecord));
