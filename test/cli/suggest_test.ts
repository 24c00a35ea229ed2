import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { didYouMean, editDistance, nearest, nearestVerb } from "../../lib/cli/suggest.ts";

describe("editDistance()", () => {
  test.each([
    ["", "", 0],
    ["abc", "abc", 0],
    ["", "abc", 3],
    ["start", "strat", 1],
    ["list", "lst", 1],
    ["list", "lists", 1],
    ["list", "last", 1],
    ["kitten", "sitting", 3],
    ["ca", "abc", 3],
  ] as const)("%j -> %j is %d", (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
  });

  test("is symmetric, and zero for equal words only", () => {
    const word = fc.string({
      unit: fc.constantFrom("a", "b", "c"),
      maxLength: 7,
    });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

describe("nearest()", () => {
  const words = ["start", "stop", "restart", "enable", "disable", "list"];
  test.each([
    ["strat", "start"],
    ["stpo", "stop"],
    ["lsit", "list"],
    ["LIST", "list"],
    ["en", "enable"],
    ["disble", "disable"],
    ["x", undefined],
    ["", undefined],
    ["frobnicate", undefined],
  ])("%j -> %j", (word, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });
});

describe("nearestVerb()", () => {
  const names = ["machines pull", "machines list", "oci inspect", "address get", "version"];
  test.each([
    [["machine", "list"], "machines list"],
    [["machines", "lsit"], "machines list"],
    [["machines", "inspect"], "oci inspect"],
    [["machines", "frobnicate"], undefined],
    [["machine", "frobnicate"], "machines"],
    [["list"], "machines list"],
    [["pull", "docker.io/x"], "machines pull"],
    [["machin"], "machines"],
    [["verison"], "version"],
    [["verison", "x"], "version"],
    [["adress", "get"], "address get"],
    [["xyzzy"], undefined],
    [["xyzzy", "plugh"], undefined],
  ])("%j -> %j", (words, expected) => {
    expect(nearestVerb(words, names)).toBe(expected);
  });
});

describe("nearestVerb() in a group of a group", () => {
  const names = ["machines app add", "machines app list", "machines apply", "oci list"];
  test.each([
    [["machines", "app", "ad", "box"], "machines app add"],
    [["machines", "app", "lst"], "machines app list"],
    [["machines", "app", "frobnicate"], undefined],
  ])("%j -> %j", (words, expected) => {
    expect(nearestVerb(words, names)).toBe(expected);
  });
});

describe("didYouMean()", () => {
  test("shows the candidate", () => {
    expect(didYouMean("gren", ["red", "green"])).toBe('did you mean "green"?');
    expect(didYouMean("blue", ["red"])).toBeUndefined();
  });
});
