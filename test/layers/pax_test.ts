import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LayerError } from "../../lib/layers/layer_error.ts";
import { parsePax, paxNumber, paxTime, paxXattrs } from "../../lib/layers/pax.ts";
import { paxRecord } from "./raw_tar.ts";

const record = (key: string, value: string) =>
  Buffer.from(paxRecord(key, value)).toString("latin1");
const of = (key: string, value: string) => new Map([[key, value]]);

describe("parsePax()", () => {
  test.each<readonly [string, Record<string, string>]>([
    ["", {}],
    ["6 a=b\n", { a: "b" }],
    ["06 a=\n", { a: "" }],
    ["5 a=\n", { a: "" }],
    ["6 a=b\n6 a=c\n", { a: "c" }],
    ["8 a=b=c\n", { a: "b=c" }],
    ["9 a=b\nc\n\n", { a: "b\nc\n" }],
    ["10 a=\0\xff\n\0\n", { a: "\0\xff\n\0" }],
  ])("reads %j", (body, records) => expect(Object.fromEntries(parsePax(body))).toEqual(records));

  test.each([
    "a=b\n",
    "7 a=b\n",
    "5 a=b\n",
    "6 a=b ",
    "6 =bc\n",
    "6 abc\n",
    "4 a=\n",
    "-6 a=b\n",
    "6  a=b\n",
    "99999999999 a=b\n",
    "6 a=b\nx",
    "6 a=b\n\0\0\0",
    record("path", "a\0b"),
    record("linkpath", "\0"),
    record("a\0b", "c"),
    record("GNU.sparse.numbytes", "1"),
    record("GNU.sparse.offset", "1") + record("GNU.sparse.offset", "2"),
    record("GNU.sparse.offset", "1,2"),
  ])("refuses %j", (body) => expect(() => parsePax(body)).toThrow(LayerError));

  test("reads what a writer writes, whatever it is", () => {
    const key = fc.stringMatching(/^[a-zA-Z.]{1,20}$/).filter((text) => !text.startsWith("GNU"));
    const pairs = fc.array(fc.tuple(key, fc.string({ unit: "binary-ascii" })));
    fc.assert(
      fc.property(pairs, (records) => {
        const kept = records.filter(([name]) => !/^(path|linkpath|uname|gname)$/.test(name));
        const body = kept.map(([name, value]) => record(name, value)).join("");
        expect(parsePax(body)).toEqual(new Map(kept));
      }),
    );
  });

  test("gathers the map of sparse format 0.0", () => {
    const body = ["0", "512", "1024"]
      .map((at) => record("GNU.sparse.offset", at) + record("GNU.sparse.numbytes", "512"))
      .join("");
    expect(parsePax(body).get("GNU.sparse.map")).toBe("0,512,512,512,1024,512");
  });
});

describe("paxNumber()", () => {
  test.each([
    ["0", 0],
    ["4294967295", 4294967295],
    ["-1", -1],
    ["+7", 7],
    ["", undefined],
  ])("reads %j", (value, number) =>
    expect(paxNumber(of("uid", value), "uid")).toBe(number as number),
  );

  test.each(["1.5", "0x1", " 1", "1 ", "a", "9007199254740993", "1e3"])("refuses %j", (value) => {
    expect(() => paxNumber(of("uid", value), "uid")).toThrow(LayerError);
  });
});

describe("paxTime()", () => {
  test.each([
    ["0", 0, 0],
    ["1.5", 1, 500_000_000],
    ["1.", 1, 0],
    ["1.000000001", 1, 1],
    ["1.0000000019", 1, 1],
    ["-1", -1, 0],
    ["-1.5", -2, 500_000_000],
    ["-1.25", -2, 750_000_000],
    ["-0.5", -1, 500_000_000],
    ["-0", 0, 0],
    ["20000000000.75", 20_000_000_000, 750_000_000],
  ])("reads %j", (value, seconds, nanoseconds) => {
    expect(paxTime(of("mtime", value), "mtime")).toEqual({ seconds, nanoseconds });
  });

  test.each(["1.-5", ".5", "now", "1,5", "1.5s", "99999999999999999999"])("refuses %j", (value) => {
    expect(() => paxTime(of("mtime", value), "mtime")).toThrow(LayerError);
  });

  test("is none where the value is empty, or there is none", () => {
    expect(paxTime(of("mtime", ""), "mtime")).toBeUndefined();
    expect(paxTime(new Map(), "mtime")).toBeUndefined();
  });
});

test("paxXattrs() takes star's records alone", () => {
  const records = new Map([
    ["SCHILY.xattr.user.a", "1"],
    ["LIBARCHIVE.xattr.user.a", "MQ"],
    ["SCHILY.xattr.user.b", ""],
    ["path", "x"],
  ]);
  expect(paxXattrs(records)).toEqual(
    new Map([
      ["user.a", "1"],
      ["user.b", ""],
    ]),
  );
  expect(paxXattrs(new Map([["path", "x"]]))).toBeUndefined();
});
