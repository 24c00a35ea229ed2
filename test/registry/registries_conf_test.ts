import { describe, expect, test } from "bun:test";
import { parseImageRef, type RegistryRef } from "../../lib/image/reference.ts";
import { whyTouched } from "../../lib/registry/registries_conf.ts";

const touched = (text: string, image = "example.com:5000/ns/repo:tag") =>
  whyTouched(text, "FILE", parseImageRef(image) as RegistryRef);
const settings = "FILE has settings for it";

describe("whyTouched()", () => {
  test.each([
    ["an empty file", "", undefined],
    ["aliases of short names", '[aliases]\n"registry" = "docker.io/library/registry"\n', undefined],
    ["registries to search", 'unqualified-search-registries = ["example.com:5000"]\n', undefined],
    ["comments", '#[[registry]]\n#location = "example.com:5000"\n', undefined],
    ["the registry", '[[registry]]\nlocation = "example.com:5000"\n', settings],
    [
      "the registry, named by its prefix",
      '[[registry]]\nprefix = "example.com:5000"\nlocation = "x.y"\n',
      settings,
    ],
    [
      "its location alone",
      '[[registry]]\nprefix = "x.y"\nlocation = "example.com:5000"\n',
      undefined,
    ],
    ["a namespace", '[[registry]]\nprefix = "example.com:5000/ns"\n', settings],
    ["a namespace that begins alike", '[[registry]]\nprefix = "example.com:5000/n"\n', undefined],
    ["the repository", '[[registry]]\nprefix = "example.com:5000/ns/repo"\n', settings],
    ["one tag", '[[registry]]\nprefix = "example.com:5000/ns/repo:other"\n', settings],
    ["the host without its port", '[[registry]]\nprefix = "example.com"\n', settings],
    ["a longer repository", '[[registry]]\nprefix = "example.com:5000/ns/repo/x"\n', settings],
    ["another registry", '[[registry]]\nprefix = "example.org"\n', undefined],
    ["a domain", '[[registry]]\nprefix = "*.com"\n', settings],
    ["another domain", '[[registry]]\nprefix = "*.org"\n', undefined],
    [
      "the registry by a table in one line",
      'registry = [{ location = "example.com:5000" }]\n',
      settings,
    ],
    [
      "blanks and quotes around the name",
      '[[ "registry" ]]\nprefix = "example.com:5000"\n',
      settings,
    ],
    ["a table of nothing", "[[registry]]\ninsecure = true\n", settings],
    ["no list", "registry = 5\n", "FILE cannot be read"],
    ["no TOML", "[[registry]]\nprefix =\n", "FILE cannot be read"],
    ["a helper", 'credential-helpers = ["secretservice"]\n', "FILE names a credential helper"],
    ["no helper but the files", 'credential-helpers = ["containers-auth.json"]\n', undefined],
    [
      "the old format",
      "[registries.insecure]\nregistries = ['x.y']\n",
      "FILE is of the old format",
    ],
    ["the old format, without settings", "[registries.search]\nregistries = ['x.y']\n", undefined],
  ])("reads %s", (_, text, expected) => {
    expect(touched(text)).toBe(expected as string);
  });

  test("knows Docker's images by their whole names", () => {
    expect(touched('[[registry]]\nprefix = "docker.io/library"\n', "nginx")).toBe(settings);
    expect(touched('[[registry]]\nprefix = "docker.io"\n', "nginx")).toBe(settings);
    expect(touched('[[registry]]\nprefix = "docker.io/other"\n', "nginx")).toBeUndefined();
  });
});
