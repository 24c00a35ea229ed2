import { expect, test } from "bun:test";
import { parseYaml } from "../../lib/podman/yaml_value.ts";

test("parseYaml() keeps numbers as they were written, and truth values", () => {
  const text = "a: 1.10\nb: 0444\nc: 1e3\nd: true\ne: yes\nf:\ng: 22:22\nh: 0x1F\ni: '5'\n9: x\n";
  expect(parseYaml(text, "x")).toEqual({
    ...{ a: "1.10", b: "0444", c: "1e3", d: true, e: "yes", f: null },
    ...{ g: "22:22", h: "0x1F", i: "5", "9": "x" },
  });
});

test("parseYaml() follows anchors and merge keys", () => {
  const text = "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: *x\n";
  expect(parseYaml(text, "x")).toEqual({
    x: { a: "1", b: "2" },
    y: { a: "1", b: "3" },
    z: { a: "1", b: "2" },
  });
});

test("parseYaml() changes texts that are values, not keys", () => {
  expect(parseYaml("a: [b, 'c']\nd: 1\n", "x", (text) => `<${text}>`)).toEqual({
    a: ["<b>", "<c>"],
    d: "1",
  });
});

test.each([
  ["a: [1, 2", /^Cannot read "x.yaml": line \d+, column \d+: /],
  ["a: 1\na: 2\n", /^Cannot read "x.yaml": line 2, column 1: Map keys must be unique/],
  ["a: *nobody\n", /^Cannot read "x.yaml": .*nobody/],
  ["a:\n\t- b\n", /^Cannot read "x.yaml": line 2, column 1: /],
])("parseYaml() refuses %j", (text, message) => {
  expect(() => parseYaml(text, "x.yaml")).toThrow(message);
});

test("parseYaml() refuses aliases that multiply without end", () => {
  const levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 9; level++) {
    const aliases = Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ");
    levels.push(`a${level}: &a${level} [${aliases}]`);
  }
  expect(() => parseYaml(levels.join("\n"), "x")).toThrow("Excessive alias count");
}, 5000);
