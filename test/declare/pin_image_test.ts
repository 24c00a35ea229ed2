/** The administrator's text is kept, byte for byte, around what mbctl found out. */

import { expect, test } from "bun:test";
import { completeSpec } from "../../lib/declare/desired.ts";
import { pinDeclaration } from "../../lib/declare/pin_image.ts";
import { parseImageConfig } from "../../lib/image/config.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import { parseMachineToml, parseDeclaration } from "../../lib/spec/machine_toml.ts";

const image = {
  reference: "docker.io/library/nginx:1",
  digest: "sha256:a",
  manifestDigest: "sha256:b",
};
const config = parseImageConfig({
  architecture: "amd64",
  os: "linux",
  config: { Volumes: { "/data": {} } },
});
const plain = parseImageConfig({ architecture: "amd64", os: "linux" });

function pin(text: string, imageConfig = plain, ipv4?: string) {
  const declared = parseDeclaration(text, "web.toml", "web");
  const address = ipv4 === undefined ? undefined : parseIpv4(ipv4);
  const spec = completeSpec(declared, image, imageConfig, undefined, address);
  const pinned = pinDeclaration(text, declared, spec);
  expect(parseMachineToml(pinned.text, "machine.toml")).toEqual(spec);
  return pinned;
}

test("an image in a line becomes one with digests, in that line", () => {
  expect(
    pin('# ours\nschema = 1\nname = "web" # kept\nimage = "nginx:1"\n\n[env]\nA = "b"\n'),
  ).toEqual({
    isVerbatim: true,
    text: '# ours\nschema = 1\nname = "web" # kept\nimage = { reference = "docker.io/library/nginx:1", digest = "sha256:a", manifest_digest = "sha256:b" }\n\n[env]\nA = "b"\n',
  });
});

test("a table gets its digests; a name that the file's name gave is written", () => {
  expect(pin('schema = 1\n\n[image] # the web\nreference = "nginx:1" # of 2026\n').text).toBe(
    'schema = 1\nname = "web"\n\n[image] # the web\nreference = "docker.io/library/nginx:1" # of 2026\ndigest = "sha256:a"\nmanifest_digest = "sha256:b"\n',
  );
});

test("what is pinned already is not touched", () => {
  const { text } = pin('schema = 1\nname = "web"\nimage = "nginx:1"\n');
  expect(pin(text)).toEqual({ text, isVerbatim: true });
});

test("applications get their digests too, and the rest of their tables stays", () => {
  const text =
    'schema = 1\nname = "web"\nmode = "base"\nimage = "os:debian:bookworm"\n\n# The shop.\n[[apps]]\nname = "shop"\nimage = "nginx:1" # of 2026\n\n[[apps]]\nname = "later"\nimage = "redis:7"\n';
  const declared = parseDeclaration(text, "web.toml", "web");
  const os = { reference: "os:debian:bookworm", digest: "", manifestDigest: "" };
  const open = completeSpec(declared, os, plain, undefined, undefined);
  const apps = open.apps.map((app) => (app.name === "shop" ? { ...app, image } : app));
  expect(pinDeclaration(text, declared, { ...open, apps })).toEqual({
    isVerbatim: true,
    text: text.replace(
      '"nginx:1"',
      '{ reference = "docker.io/library/nginx:1", digest = "sha256:a", manifest_digest = "sha256:b" }',
    ),
  });
});

test("volumes that the image declares, and an address, are added", () => {
  const { text } = pin('schema = 1\nname = "web"\nimage = "nginx:1"\n', config, "10.199.0.17");
  expect(text).toEndWith(
    '\nipv4 = "10.199.0.17"\n\n[[volumes]] # the image declares it\npath = "/data"\nkind = "data"\n',
  );
});

test.each([
  ["dotted keys", 'schema = 1\nname = "web"\nimage.reference = "nginx:1"\n'],
  ["a text of several lines", 'schema = 1\nname = "web"\nimage = """nginx:1"""\n'],
])("%s are written anew, and it is said", (_, text) => {
  expect(pin(text).isVerbatim).toBe(false);
});
