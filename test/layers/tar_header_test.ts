import { describe, expect, test } from "bun:test";
import { LayerError } from "../../lib/layers/layer_error.ts";
import { isZeroBlock, parseTarHeader } from "../../lib/layers/tar_header.ts";
import { day, latin1, type RawHeader, renderEntry } from "./raw_tar.ts";

const parse = (entry: RawHeader) => parseTarHeader(Buffer.from(renderEntry(entry)), 0);

describe("parseTarHeader()", () => {
  test("reads every field", () => {
    const header = parse({
      name: "dev/sda",
      type: "4",
      mode: 0o60640,
      uid: 1,
      gid: 6,
      device: [8, 1],
      link: "elsewhere",
      size: 5,
    });
    expect(header).toEqual({
      format: "ustar",
      type: "4",
      name: "dev/sda",
      linkName: "elsewhere",
      mode: 0o60640,
      user: 1,
      group: 6,
      sizeBytes: 5,
      modified: day,
      major: 8,
      minor: 1,
    });
  });

  test.each<readonly [string, RawHeader, string]>([
    ["a name of 100 bytes", { name: "n".repeat(100) }, "n".repeat(100)],
    ["a prefix", { name: "b", prefix: "a" }, "a/b"],
    ["a prefix of 155 bytes", { name: "b", prefix: "a".repeat(155) }, `${"a".repeat(155)}/b`],
    [
      "Schily's shorter prefix",
      { name: "b", prefix: "a".repeat(131), patch: { 476: "00000000000 ", 508: "tar\0" } },
      `${"a".repeat(131)}/b`,
    ],
    [
      "no prefix in GNU's format",
      { name: "b", format: "gnu", patch: { 345: "00000000000\0" } },
      "b",
    ],
    ["the prefix that old Go wrote into it", { name: "b", format: "gnu", prefix: "a/c" }, "a/c/b"],
    ["no prefix that is not text", { name: "b", format: "gnu", prefix: latin1("a\xff") }, "b"],
    ["no prefix in v7's", { name: "b", format: "v7", patch: { 345: "a" } }, "b"],
    ["bytes that are not UTF-8", { name: latin1("\xff\xe9") }, "\xff\xe9"],
    ["a NUL in the middle", { name: "a\0b" }, "a"],
  ])("finds %s", (_, entry, name) => expect(parse(entry).name).toBe(name));

  test("takes a sum of signed bytes", () => {
    expect(parse({ name: latin1("\xff\xfe"), checksum: "signed" }).name).toBe("\xff\xfe");
  });

  test.each<readonly [string, RawHeader]>([
    ["a wrong checksum", { name: "a", checksum: "wrong" }],
    ["no checksum", { name: "a", checksum: "" }],
    ["a mode that is no number", { name: "a", mode: "rw-r--r-" }],
    ["a size that is no number", { name: "a", size: "9".repeat(11) }],
  ])("refuses %s", (_, entry) => expect(() => parse(entry)).toThrow(LayerError));

  test("reads device numbers of devices alone", () => {
    const { major, minor } = parse({ name: "a", type: "0", device: ["junk", "junk"] });
    expect([major, minor]).toEqual([0, 0]);
  });
});

test("isZeroBlock() looks at one block", () => {
  const blocks = new Uint8Array(1024);
  blocks[512] = 1;
  expect([isZeroBlock(blocks, 0), isZeroBlock(blocks, 512)]).toEqual([true, false]);
});
