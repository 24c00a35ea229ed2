import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { EnvEntry } from "../../lib/env/env_entry.ts";
import { formatEnvFile, parseEnvFile } from "../../lib/env/env_file.ts";
import { NASTY_ENVIRONMENT } from "../nspawn/nasty_values.ts";

describe("parseEnvFile()", () => {
  const good: readonly (readonly [text: string, entries: readonly EnvEntry[]])[] = [
    ["", []],
    ["A=b\n", [["A", "b"]]],
    ["A=b", [["A", "b"]]],
    ["A=\n", [["A", ""]]],
    ["A=b=c\n", [["A", "b=c"]]],
    ["A= b \n", [["A", " b "]]],
    [`A="b" 'c'\n`, [["A", `"b" 'c'`]]],
    ["A=$(touch /pwned)`x`\\n%n\n", [["A", "$(touch /pwned)`x`\\n%n"]]],
    ["# comment\n\n  \t\nA=b # no comment\n", [["A", "b # no comment"]]],
    [
      "A=1\nA=2\n",
      [
        ["A", "1"],
        ["A", "2"],
      ],
    ],
    ["my.var=x\n", [["my.var", "x"]]],
    ["A=b\r\n", [["A", "b\r"]]],
  ];
  test.each(good)("reads %j", (text, entries) => {
    expect(parseEnvFile(text)).toEqual([...entries]);
  });

  const bad: readonly (readonly [text: string, message: string])[] = [
    ["A=b\nnonsense\n", 'Cannot read the line "nonsense" (/c/man8env.env:2): no equals sign'],
    ["=x\n", 'Cannot read the line "=x" (/c/man8env.env:1): no name before the equals sign'],
    ["A=a\0b\n", 'Cannot read the variable "A" (/c/man8env.env:1): it holds a NUL'],
    [
      `export ${"s".repeat(40)}\n`,
      'Cannot read the line "export sssssssssssssssss…" (/c/man8env.env:1): no equals sign',
    ],
  ];
  test.each(bad)("refuses %j", (text, message) => {
    expect(() => parseEnvFile(text, "/c/man8env.env")).toThrow(message);
  });
});

describe("formatEnvFile()", () => {
  test("writes the header as comments", async () => {
    const text = formatEnvFile(
      [
        ["MAN8S_CONTAINER_NAME", "Man8Registry"],
        ["PORT", "5000"],
        ...NASTY_ENVIRONMENT.slice(0, 30),
      ],
      {
        header: "Environment of Man8Registry.\n\nKEY=value, verbatim.",
      },
    );
    expect(text).toBe(await Bun.file(`${import.meta.dir}/../golden/env/man8env.env`).text());
  });

  test("writes nothing for nothing", () => {
    expect(formatEnvFile([])).toBe("");
  });

  const bad: readonly (readonly [name: string, value: string, message: string])[] = [
    ["", "x", 'Cannot set the environment variable "": the name is empty'],
    ["a=b", "x", 'Cannot set the environment variable "a=b": the name holds an equals sign'],
    ["a\nb", "x", 'Cannot set the environment variable "a\\nb": the name holds a line break'],
    ["a\0b", "x", 'Cannot set the environment variable "a\\u0000b": the name holds a NUL'],
    [
      "#a",
      "x",
      'Cannot set the environment variable "#a": the name begins with #, which starts a comment in man8env.env',
    ],
    ["A", "x\ny", 'Cannot write the variable "A" to an env file: its value holds a line break'],
    ["A", "x\0y", 'Cannot write the variable "A" to an env file: its value holds a NUL'],
  ];
  test.each(bad)("refuses %j=%j", (name, value, message) => {
    expect(() => formatEnvFile([[name, value]])).toThrow(message);
  });

  test("is undone by parseEnvFile()", () => {
    const name = fc
      .string({ unit: "binary", minLength: 1 })
      .filter((text) => !/^#|[=\n\0]/.test(text));
    const value = fc.string({ unit: "binary" }).filter((text) => !/[\n\0]/.test(text));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, value)),
        fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
        (entries, header) => {
          const text = formatEnvFile(entries, header === undefined ? {} : { header });
          expect(parseEnvFile(text)).toEqual(entries);
        },
      ),
    );
  });
});
