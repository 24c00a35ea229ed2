import { describe, expect, test } from "bun:test";
import { MbctlError } from "../../lib/errors.ts";
import { parseMirror, parsePackages } from "../../lib/os/choices.ts";

describe("parseMirror()", () => {
  test.each([
    "http://deb.debian.org/debian",
    "https://mirror.example:8443/a/b?c=d",
    "http://[fdfc:16ed:7601::1]/debian",
    "ftp://ftp.example/debian/",
  ])("takes %s", (url) => {
    expect(parseMirror(url)).toBe(url);
  });

  test.each([
    ...[
      "",
      "deb.debian.org",
      "file:///srv",
      "http://",
      "http://a b/",
      "http://[::1",
      "http://:80/",
      "http://a/\ndeb evil",
    ],
    ...["http://a/ [trusted=yes]", "http://a/'x'", "http://a/$(x)", "javascript:1", "-http://a/"],
  ])("refuses %j", (text) => {
    expect(() => parseMirror(text)).toThrow(MbctlError);
  });
});

describe("parsePackages()", () => {
  test.each([
    ["git", ["git"]],
    ["git,make, g++", ["git", "make", "g++"]],
    ["linux-image:amd64,python3.12", ["linux-image:amd64", "python3.12"]],
  ])("reads %s", (text, names) => {
    expect(parsePackages(text)).toEqual(names);
  });

  test.each(["", "a,,b", "-o", "a,--force", "a b", "a;b", "$(x)", "../x", "a,"])(
    "refuses %j",
    (text) => {
      expect(() => parsePackages(text)).toThrow(MbctlError);
    },
  );
});
