import { describe, expect, test } from "bun:test";
import { sliceEntries, treeEntries } from "./content.ts";

const pool = [
  { path: "usr/", type: "dir" as const },
  { path: "usr/a", content: Buffer.from("0123456789") },
  { path: "usr/b", content: Buffer.from("abcde") },
  { path: "usr/l", type: "symlink" as const, linkTarget: "a" },
];
const pathsOf = (entries: Iterable<{ readonly path: string }>) =>
  [...entries].map(({ path }) => path);
const bytesOf = (entries: Iterable<{ readonly content?: string | Uint8Array }>) =>
  [...entries].reduce((sum, { content }) => sum + (content?.length ?? 0), 0);

describe("treeEntries()", () => {
  test("repeats the tree, each copy in a folder of its own, no path twice", () => {
    const paths = pathsOf(treeEntries(pool, 26));
    expect(paths).toEqual([
      ...["usr/", "usr/a", "usr/b", "usr/l"],
      ...["copy2/", "copy2/usr/", "copy2/usr/a", "copy2/usr/b"],
    ]);
  });

  test.each([1, 10, 14, 15, 16, 26, 1000])("gives %i bytes when asked for them", (bytes) => {
    expect(bytesOf(treeEntries(pool, bytes))).toBe(bytes);
  });
});

describe("sliceEntries()", () => {
  test("gives so many files of one size, 500 in a folder", () => {
    const entries = [...sliceEntries(pool, 501, 3)];
    expect(entries.filter(({ content }) => content?.length === 3)).toHaveLength(501);
    expect(entries.filter(({ type }) => type === "dir").map(({ path }) => path)).toEqual([
      "usr/",
      "usr/part0/",
      "usr/part1/",
    ]);
    expect(new Set(pathsOf(entries)).size).toBe(entries.length);
  });

  test("gives the same twice, and not one piece again and again", () => {
    const first = [...sliceEntries(pool, 20, 3)];
    expect([...sliceEntries(pool, 20, 3)]).toEqual(first);
    expect(new Set(first.map(({ content }) => String(content))).size).toBeGreaterThan(5);
  });
});
