import { describe, expect, test } from "bun:test";
import { osReference, parseOs, requireOs } from "../../lib/os/os.ts";
import { MbctlError } from "../../lib/errors.ts";
import { formatOsReference, parseOsReference } from "../../lib/spec/os_reference.ts";

describe("parseOs()", () => {
  test.each([
    ["debian", "debian:trixie"],
    ["debian:12", "debian:bookworm"],
    ["debian:bookworm", "debian:bookworm"],
    ["debian:13", "debian:trixie"],
    ["debian:stable", "debian:trixie"],
    ["debian:unstable", "debian:sid"],
    ["debian:11", "debian:bullseye"],
    ["ubuntu:24.04", "ubuntu:noble"],
    ["ubuntu:jammy", "ubuntu:jammy"],
    ["fedora:41", "fedora:41"],
    ["fedora:57", "fedora:57"],
    ["fedora:rawhide", "fedora:rawhide"],
    ["arch", "arch"],
    ["archlinux:latest", "arch"],
    ["opensuse", "opensuse:tumbleweed"],
    ["opensuse:leap", "opensuse:16.0"],
    ["opensuse-leap:15.6", "opensuse:15.6"],
  ])("reads %s as %s", (text, name) => {
    expect(formatOsReference(osReference(parseOs(text)))).toBe(`os:${name}`);
  });

  test.each([
    ["debain:12", 'did you mean "debian"? it is one of debian, ubuntu, fedora, arch, opensuse'],
    ["slackware", "it is one of debian, ubuntu, fedora, arch, opensuse"],
    ["debian:bokworm", 'did you mean "bookworm"?'],
    [
      "debian:8",
      "it is one of bullseye (11), bookworm (12), trixie (13), forky (14), sid (unstable)",
    ],
    ["ubuntu:14.04", "it is one of jammy (22.04), noble (24.04)"],
    ["fedora:12", "it is one of 41, 42, 43, rawhide"],
    ["constructor", "it is one of debian, ubuntu"],
    ["debian:constructor", "it is one of bullseye"],
  ])("refuses %s with what there is", (text, hint) => {
    try {
      parseOs(text);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof MbctlError)) throw error;
      expect(error.kind).toBe("usage");
      expect(error.hint).toStartWith(hint);
    }
  });

  test("gives the same for the reference that it gives", () => {
    for (const text of ["debian:12", "arch", "opensuse:leap", "fedora"]) {
      const os = parseOs(text);
      expect(requireOs(parseOsReference(formatOsReference(osReference(os))))).toEqual(os);
    }
  });
});
