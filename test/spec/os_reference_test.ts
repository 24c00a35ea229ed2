import { expect, test } from "bun:test";
import { formatOsReference, isOsReference, parseOsReference } from "../../lib/spec/os_reference.ts";

test.each(["debian:bookworm", "ubuntu:24.04", "arch", "opensuse:tumbleweed"])(
  "%s is read and written",
  (text) => {
    const written = formatOsReference(parseOsReference(text));
    expect(written).toBe(`os:${text}`);
    expect(isOsReference(written)).toBe(true);
    expect(formatOsReference(parseOsReference(written))).toBe(written);
  },
);

test.each(["", ":bookworm", "debian:", "Debian:x", "debian:a b", "debian:a:b", "../x"])(
  "%p is refused",
  (text) => {
    expect(() => parseOsReference(text)).toThrow("as an operating system");
  },
);
