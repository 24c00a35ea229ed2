import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseDigest } from "../../lib/image/digest.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import {
  type ArchiveManifest,
  formatManifest,
  manifestBytes,
  parseManifest,
  partFile,
} from "../../lib/transfer/archive_manifest.ts";

const digest = parseDigest(`sha256:${"a".repeat(64)}`);
const manifest: ArchiveManifest = {
  name: parseMachineName("web"),
  mbctl: "1.2.3",
  createdMs: 1_704_067_200_123,
  image: { reference: "docker.io/library/nginx:latest", digest },
  parts: [
    { name: "configuration", sizeBytes: 10_240, digest },
    { name: "storage", sizeBytes: 2 ** 43, digest },
  ],
  secrets: ["token"],
};

/** The text of a manifest as somebody else would write it. */
function textOf(document: unknown, more: object = {}): string {
  const sha256 = new Bun.CryptoHasher("sha256").update(JSON.stringify(document)).digest("hex");
  return JSON.stringify({ version: 1, sha256, manifest: document, ...more });
}

const document = JSON.parse(formatManifest(manifest)).manifest;

describe("a manifest", () => {
  test("comes back as it was written", () => {
    expect(parseManifest(formatManifest(manifest), "x")).toEqual(manifest);
    expect(partFile("storage")).toBe("storage.tar.zst");
  });

  test("has the same size whatever it says", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,64}$/), { maxLength: 200 }), (secrets) => {
        const text = formatManifest({ ...manifest, secrets });
        expect(Buffer.byteLength(text)).toBe(manifestBytes);
        expect(parseManifest(text, "x").secrets).toEqual(secrets);
      }),
    );
  });

  test.each([
    ["no JSON", "{", "its manifest is damaged"],
    ["a list", "[]", "it was written by a later mbctl"],
    ["a later version", textOf(document, { version: 2 }), "it was written by a later mbctl"],
    ["another sum", textOf(document, { sha256: "0" }), "its manifest is damaged"],
    ["an unknown key", textOf({ ...document, more: 1 }), "its manifest: "],
    ["no name", textOf({ ...document, name: undefined }), "its manifest: "],
    [
      "parts in another order",
      textOf({ ...document, parts: document.parts.toReversed() }),
      "its parts are not a configuration, and then perhaps storage and tree",
    ],
    [
      "a part twice",
      textOf({ ...document, parts: [...document.parts, document.parts[1]] }),
      "its parts are not",
    ],
    [
      "a size below nothing",
      textOf({ ...document, parts: [{ ...document.parts[0], size: -1 }] }),
      "its manifest: ",
    ],
  ])("with %s is refused", (_, text, state) => {
    expect(() => parseManifest(text, '"web.tar"')).toThrow(
      `Cannot read the archive "web.tar": ${state}`,
    );
  });

  test.each(["../web", "", "a b"])("of the machine %p is refused", (name) => {
    expect(() => parseManifest(textOf({ ...document, name }), "x")).toThrow(/machine name/);
  });
});
