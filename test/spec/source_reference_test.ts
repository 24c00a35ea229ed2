import { expect, test } from "bun:test";
import {
  canonicalSource,
  formatSourceRef,
  parseSourceRef,
} from "../../lib/spec/source_reference.ts";

test.each([
  ["redis", "docker.io/library/redis:latest"],
  ["oci:/srv/x:1", "oci:/srv/x:1"],
  ["os:debian:12", "os:debian:bookworm"],
  ["os:debian:bookworm", "os:debian:bookworm"],
  ["os:arch", "os:arch"],
])("canonicalSource() of %s is %s", (text, canonical) => {
  expect(canonicalSource(text)).toBe(canonical);
  expect(canonicalSource(canonical)).toBe(canonical);
  expect(formatSourceRef(parseSourceRef(canonical))).toBe(canonical);
});

test.each(["os:", "os:Debian", "os:nixos:24", "os:debian:potato"])(
  "canonicalSource() refuses %s",
  (text) => {
    expect(() => canonicalSource(text)).toThrow(/^Cannot (read|make)/);
  },
);
