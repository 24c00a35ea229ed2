import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LayerError } from "../../lib/layers/layer_error.ts";
import { parseTarNumber } from "../../lib/layers/tar_number.ts";
import { base256, octal } from "./raw_tar.ts";

const parse = (field: string) => parseTarNumber(Buffer.from(field, "latin1"), 0, field.length);

describe("parseTarNumber()", () => {
  test.each([
    ["0000644\0", 0o644],
    ["   644 \0", 0o644],
    ["644", 0o644],
    ["644     ", 0o644],
    ["\x00\x00644\0\0\0", 0o644],
    ["644\0junk", 0o644],
    ["        ", 0],
    ["\0\0\0\0\0\0\0\0", 0],
    ["", 0],
    ["77777777777\0", 8589934591],
    ["\x80\0\0\0\0\0\x01\x00", 256],
    ["\xff\xff\xff\xff\xff\xff\xff\xff", -1],
    ["\xff\xff\xff\xff\xff\xff\xff\x00", -256],
  ])("reads %j", (field, number) => expect(parse(field)).toBe(number));

  test.each([
    "-000644\0",
    "0000648\0",
    "6 4\0\0\0\0\0",
    "644 x\0\0\0",
    "0x1ff\0\0\0",
    "junk\0\0\0\0",
    "\x80\x40\0\0\0\0\0\0\0\0\0\0",
    "\xbf\0\0\0\0\0\0\0\0\0\0\0",
  ])("refuses %j", (field) => expect(() => parse(field)).toThrow(LayerError));

  test("reads what octal writes", () => {
    const numbers = fc.integer({ min: 0, max: 0o77777777777 });
    fc.assert(fc.property(numbers, (number) => expect(parse(octal(number, 12))).toBe(number)));
  });

  test("reads what base-256 writes, of either sign", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (number) => {
        expect(parseTarNumber(base256(number, 12), 0, 12)).toBe(number);
      }),
    );
  });

  test("reads its own field alone", () => {
    const fields = Buffer.from("77777770000644\x007777");
    expect(parseTarNumber(fields, 7, 8)).toBe(0o644);
  });
});
