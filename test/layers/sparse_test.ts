import { describe, expect, test } from "bun:test";
import { LayerError } from "../../lib/layers/layer_error.ts";
import {
  checkSparse,
  paxSparse,
  readLeadingMap,
  readOldMap,
  type SparseRegion,
} from "../../lib/layers/sparse.ts";
import { octal, renderEntry } from "./raw_tar.ts";

const region = (offset: number, length: number): SparseRegion => ({ offset, length });
const records = (text: Record<string, string>) =>
  new Map(Object.entries(text).map(([key, value]) => [`GNU.sparse.${key}`, value]));

describe("paxSparse()", () => {
  test("reads format 0.0 and 0.1", () => {
    const header = paxSparse(
      records({ map: "0,10,100,5", numblocks: "2", size: "200", name: "n" }),
    );
    expect(header).toEqual({
      name: "n",
      sizeBytes: 200,
      regions: [region(0, 10), region(100, 5)],
    });
  });

  test("leaves the map of format 1.0 to the data", () => {
    const header = paxSparse(records({ major: "1", minor: "0", realsize: "9", name: "n" }));
    expect(header).toEqual({ name: "n", sizeBytes: 9, regions: undefined });
  });

  test.each<Record<string, string>>([
    {},
    { name: "n" },
    { major: "2", minor: "0" },
    { major: "1" },
  ])("sees no sparse file in %j", (text) => expect(paxSparse(records(text))).toBeUndefined());

  test.each<Record<string, string>>([
    { map: "0,1", numblocks: "2" },
    { map: "0,1" },
    { map: "0,1,2", numblocks: "1" },
    { map: "0,x", numblocks: "1" },
    { map: "0,-1", numblocks: "1" },
    { map: "0,", numblocks: "1" },
    { map: "0,99999999999999999", numblocks: "1" },
  ])("refuses %j", (text) => expect(() => paxSparse(records(text))).toThrow(LayerError));
});

/** Blocks of a text, one after the other. */
function blocksOf(text: string): () => Buffer {
  const bytes = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  bytes.write(text);
  let at = 0;
  return () => {
    if (at >= bytes.length) throw new LayerError("no more");
    at += 512;
    return bytes.subarray(at - 512, at);
  };
}

describe("readLeadingMap()", () => {
  test.each<readonly [string, readonly SparseRegion[]]>([
    ["0\n", []],
    ["1\n0\n10\n", [region(0, 10)]],
    ["2\n0\n10\n512\n1\n", [region(0, 10), region(512, 1)]],
  ])("reads %j", (text, regions) => expect(readLeadingMap(blocksOf(text))).toEqual([...regions]));

  test("reads a map over several blocks", () => {
    const regions = Array.from({ length: 300 }, (_, index) => region(index * 1000, 1));
    const lines = regions.map(({ offset, length }) => `${offset}\n${length}\n`);
    expect(readLeadingMap(blocksOf(`300\n${lines.join("")}`))).toEqual(regions);
  });

  test.each(["x\n", "1\n-1\n1\n", "1\n0\n", "9".repeat(600), "1\n\n1\n"])("refuses %j", (text) => {
    expect(() => readLeadingMap(blocksOf(text))).toThrow(LayerError);
  });

  test("reads no map without end", () => {
    const block = Buffer.from("1\n".repeat(256));
    let blocks = 0;
    const endless = () => {
      blocks++;
      return blocks === 1 ? Buffer.from("99999999\n".padEnd(512, "1\n")) : block;
    };
    expect(() => readLeadingMap(endless)).toThrow("too long");
    expect(blocks).toBeLessThan(2100);
  });
});

describe("readOldMap()", () => {
  const header = (regions: readonly SparseRegion[], size: number, isExtended = false) =>
    Buffer.from(
      renderEntry({
        format: "gnu",
        type: "S",
        patch: {
          386: regions.map((one) => octal(one.offset, 12) + octal(one.length, 12)).join(""),
          482: isExtended ? "\x01" : "\0",
          483: octal(size, 12),
        },
      }),
    );
  const four = [region(0, 1), region(10, 1), region(20, 1), region(30, 1)];

  test("reads the table of the header", () => {
    const none = () => {
      throw new Error("no block is wanted");
    };
    expect(readOldMap(header(four.slice(0, 2), 100), none)).toEqual({
      sizeBytes: 100,
      regions: four.slice(0, 2),
    });
    expect(readOldMap(header(four, 100), none).regions).toEqual(four);
  });

  test("reads the blocks behind it", () => {
    const more = Array.from({ length: 21 }, (_, index) => region(100 + index, 1));
    const text = more.map((one) => octal(one.offset, 12) + octal(one.length, 12)).join("");
    const first = Buffer.alloc(512);
    first.write(text, "latin1");
    first[504] = 1;
    const second = Buffer.alloc(512);
    second.write(text.slice(0, 24), "latin1");
    const blocks = [first, second];
    const map = readOldMap(header(four, 1000, true), () => blocks.shift() ?? Buffer.alloc(0));
    expect(map.regions).toEqual([...four, ...more, region(100, 1)]);
  });

  test("reads no table without end", () => {
    const block = Buffer.alloc(512);
    block[504] = 1;
    expect(() => readOldMap(header(four, 9, true), () => block)).toThrow("too long");
  });
});

describe("checkSparse()", () => {
  test.each<readonly [readonly SparseRegion[], number, number]>([
    [[], 0, 0],
    [[], 100, 0],
    [[region(0, 10), region(10, 5)], 100, 15],
    [[region(95, 5)], 100, 5],
    [[region(100, 0)], 100, 0],
  ])("takes %j of %d bytes, %d of them stored", (regions, sizeBytes, stored) => {
    expect(() => checkSparse({ sizeBytes, regions }, stored)).not.toThrow();
  });

  test.each<readonly [string, readonly SparseRegion[], number, number]>([
    ["an overlap", [region(0, 10), region(9, 5)], 100, 15],
    ["a way back", [region(10, 5), region(0, 5)], 100, 10],
    ["a region beyond the end", [region(96, 5)], 100, 5],
    ["more than is stored", [region(0, 5)], 100, 4],
    ["less than is stored", [region(0, 5)], 100, 6],
    ["a negative length", [region(5, -5)], 100, -5],
    ["a negative size", [], -1, 0],
  ])("refuses %s", (_, regions, sizeBytes, stored) => {
    expect(() => checkSparse({ sizeBytes, regions }, stored)).toThrow(LayerError);
  });
});
