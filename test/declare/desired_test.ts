import { expect, test } from "bun:test";
import { keptDigests } from "../../lib/declare/desired.ts";
import { unknownDigest } from "../../lib/image/digest.ts";
import { parseMachineToml } from "../../lib/spec/machine_toml.ts";

const digests = `digest = "sha256:${"1".repeat(64)}"\nmanifest_digest = "sha256:${"2".repeat(64)}"\n`;
const text = (machine: string, app: string, pins = digests) => `schema = 1
name = "office"
mode = "base"

[image]
reference = "${machine}"
${digests}
[[apps]]
name = "web"

[apps.image]
reference = "${app}"
${pins}`;
const read = (...words: Parameters<typeof text>) =>
  parseMachineToml(text(...words), "machine.toml");

test("keptDigests() tells of a reference that was changed in vain", () => {
  const present = read("debian:12", "nginx:1");
  expect(keptDigests(present, present)).toEqual([]);
  expect(keptDigests(read("debian:12", "docker.io/library/nginx:1"), present)).toEqual([]);
  expect(keptDigests(read("debian:12", "nginx:2", ""), present)).toEqual([]);
  expect(keptDigests(read("debian:13", "nginx:2"), present)).toEqual([
    expect.stringMatching(/^the image stays .* of debian:12, .* becomes debian:13$/),
    expect.stringMatching(/^the image of the application web stays .* becomes nginx:2$/),
  ]);
});

test("keptDigests() says nothing of digests that are not known: a distribution has none", () => {
  const unknown = (reference: string) => {
    const spec = read(reference, "nginx:1");
    return { ...spec, image: { reference, digest: unknownDigest, manifestDigest: unknownDigest } };
  };
  expect(keptDigests(unknown("os:debian:trixie"), unknown("os:debian:bookworm"))).toEqual([]);
});
