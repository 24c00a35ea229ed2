import { expect, test } from "bun:test";
import {
  digestAlgorithm,
  digestHex,
  digestOf,
  parseDigest,
  shortDigest,
  unknownDigest,
  whyNoDigest,
} from "../../lib/image/digest.ts";

const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("digestOf() hashes bytes and text alike", () => {
  expect(String(digestOf(""))).toBe(`sha256:${empty}`);
  expect(digestOf(new Uint8Array([0xc3, 0xa9]))).toBe(digestOf("é"));
  expect(digestOf("", "sha512")).toHaveLength("sha512:".length + 128);
});

test("parseDigest() accepts sha256 and sha512", () => {
  const digest = parseDigest(`sha256:${empty}`);
  expect([digestAlgorithm(digest), digestHex(digest)]).toEqual(["sha256", empty]);
  expect(digestAlgorithm(digestOf("x", "sha512"))).toBe("sha512");
});

test("parseDigest() says what is wrong", () => {
  expect(() => parseDigest("sha256:12")).toThrow(
    'Cannot parse digest "sha256:12": the digest has 2 hexadecimal digits, not 64',
  );
  expect(whyNoDigest(`sha256:../../${empty.slice(6)}`)).toBe(
    "the digest has a character that is no hexadecimal digit",
  );
  expect(whyNoDigest(`sha256:${empty}\n`)).toBe(
    "the digest has a character that is no hexadecimal digit",
  );
});

test("shortDigest() is for people, who need no row of zeros", () => {
  expect([shortDigest(`sha256:${empty}`), shortDigest(unknownDigest)]).toEqual([
    "e3b0c44298fc",
    undefined,
  ]);
});
