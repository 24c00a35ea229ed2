import { expect, test } from "bun:test";
import { formatPlatform, hostPlatform, selectPlatform } from "../../lib/image/platform.ts";

const parse = (text: string) => {
  const [os = "", architecture = "", variant] = text.split("/");
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
};
const entries = (...texts: string[]) =>
  texts.map((text) => ({
    name: text,
    ...(text === "" ? {} : { platform: parse(text) }),
  }));

test("hostPlatform() knows the architectures by their Node names", () => {
  expect(
    ["x64", "arm64", "arm", "riscv64"].map((arch) => formatPlatform(hostPlatform(arch))),
  ).toEqual(["linux/amd64", "linux/arm64/v8", "linux/arm/v7", "linux/riscv64"]);
  expect(() => hostPlatform("toString")).toThrow(
    'Cannot choose an image for the architecture "toString": it is not known',
  );
});

/** The host, the index, the choice. */
const choices: readonly (readonly [host: string, index: readonly string[], choice: string])[] = [
  ["linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["windows/amd64", "linux/amd64"], "linux/amd64"],
  ["linux/amd64", ["linux/amd64/v3", "linux/amd64", "linux/amd64/v2"], "linux/amd64"],
  ["linux/amd64", ["linux/amd64/v1"], "linux/amd64/v1"],
  ["linux/arm64/v8", ["linux/arm64"], "linux/arm64"],
  ["linux/arm64/v8", ["linux/arm64", "linux/arm64/v8"], "linux/arm64/v8"],
  ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], "linux/arm/v6"],
  ["linux/arm/v7", ["linux/arm", "linux/arm/v5"], "linux/arm/v5"],
  ["linux/amd64", ["", "linux/arm64"], ""],
  ["linux/amd64", ["unknown/unknown", "", "linux/amd64"], "linux/amd64"],
];

test("selectPlatform() takes the entry that fits best", () => {
  const rows = choices.map(
    ([host, index]) =>
      [host, index, selectPlatform(entries(...index), parse(host), "x").name] as const,
  );
  expect(rows).toEqual([...choices]);
});

test("selectPlatform() names the platforms that are there", () => {
  const select =
    (host: string, ...index: string[]) =>
    () =>
      selectPlatform(entries(...index), parse(host), "docker.io/library/x:1");
  expect(
    select("linux/amd64", "linux/s390x", "linux/arm/v7", "linux/arm/v7", "unknown/unknown"),
  ).toThrow(
    'Cannot use image "docker.io/library/x:1" on linux/amd64: it is for linux/arm/v7, linux/s390x',
  );
  expect(select("linux/amd64", "linux/amd64/v3")).toThrow(
    'Cannot use image "docker.io/library/x:1" on linux/amd64: it is for linux/amd64/v3',
  );
  expect(select("linux/amd64")).toThrow(
    'Cannot use image "docker.io/library/x:1" on linux/amd64: it is for no platform at all',
  );
});

test("selectPlatform() knows that newer arm runs older", () => {
  const runs = (host: string, image: string) => {
    try {
      return selectPlatform(entries(image), parse(host), "x") !== undefined;
    } catch {
      return false;
    }
  };
  expect(runs("linux/arm/v7", "linux/arm/v6")).toBe(true);
  expect(runs("linux/arm/v6", "linux/arm/v7")).toBe(false);
  expect(runs("linux/arm64/v8", "linux/arm/v7")).toBe(false);
});
