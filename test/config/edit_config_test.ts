import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { setConfigValue } from "../../lib/config/edit_config.ts";
import { textOf } from "../structure/_sources.ts";

describe("setConfigValue()", () => {
  test.each([
    ["makes a file", undefined, undefined, 'ula = "x"\n'],
    ["adds behind the last key", 'a = "1"\n', undefined, 'a = "1"\nula = "x"\n'],
    [
      "replaces, and keeps the comment",
      'ula = "1" # mine\nb = 2\n',
      undefined,
      'ula = "x" # mine\nb = 2\n',
    ],
    ["replaces what is in single quotes", "ula='a#b'#c\n", undefined, 'ula = "x"#c\n'],
    [
      "stays in front of the first table",
      'a = "1"\n\n[hosts]\nula = "no"\n',
      undefined,
      'a = "1"\nula = "x"\n\n[hosts]\nula = "no"\n',
    ],
    [
      "goes behind the comment that shows it",
      '# The ULA.\n#ula = "1"\n\n#b = 2\n',
      undefined,
      '# The ULA.\n#ula = "1"\nula = "x"\n\n#b = 2\n',
    ],
    ["adds a table", "a = 1", "hosts", 'a = 1\n\n[hosts]\nula = "x"\n'],
    ["adds a table to nothing", "", "hosts", '[hosts]\nula = "x"\n'],
    [
      "adds to a table in the middle",
      '[hosts]\nb = "1"\n\n# next\n[other]\nc = 1\n',
      "hosts",
      '[hosts]\nb = "1"\n\n# next\nula = "x"\n[other]\nc = 1\n',
    ],
    ["adds to an empty table", "[hosts]\n[other]\n", "hosts", '[hosts]\nula = "x"\n[other]\n'],
    ["replaces a quoted key", '[hosts]\n"ula" = "1"\n', "hosts", '[hosts]\nula = "x"\n'],
  ] as const)("%s", (_, before, table, after) => {
    expect(setConfigValue(before, "ula", "x", table)).toBe(after);
  });

  test("quotes keys and values that need it", () => {
    expect(setConfigValue("", "a.b c", 'say "\\"\n\x7f')).toBe(
      '"a.b c" = "say \\"\\\\\\"\\n\\u007f"\n',
    );
  });

  test.each([
    ["on one line", 'a = ["1"] # mine\nb = 2\n', 'a = ["x", "y]"] # mine\nb = 2\n'],
    [
      "on several",
      'a = [\n  "1", # one\n  "2",\n] # mine\nb = 2\n',
      'a = ["x", "y]"] # mine\nb = 2\n',
    ],
    ["that is none yet", "a = true\nb = 2\n", 'a = ["x", "y]"]\nb = 2\n'],
  ])("replaces a list %s", (_, before, after) => {
    expect(setConfigValue(before, "a", ["x", "y]"])).toBe(after);
  });

  test.each([
    ["an inline table", 'hosts = { b = "1" }\n', "hosts"],
    ["a dotted key", 'hosts.b = "1"\n', "hosts"],
    ["a text that only looks like the key", 'a = """\nula = "1"\n"""\n', undefined],
    ["a table where a value stands", "hosts = 1\n", "hosts"],
  ] as const)("refuses %s and changes nothing", (_, before, table) => {
    expect(() => setConfigValue(before, "ula", "x", table)).toThrow(
      /^Cannot set (hosts\.)?ula in config.toml: it is written in a way that mbctl does not edit$/,
    );
  });

  test("edits the example: one line more, all others as they were", () => {
    const before = textOf("config.toml.example");
    const after = setConfigValue(before, "bridge", "br9");
    expect(after.split("\n").filter((line) => line !== 'bridge = "br9"')).toEqual(
      before.split("\n"),
    );
    expect(parse(after).bridge).toBe("br9");
  });

  test("holds whatever was set, in whatever order", () => {
    const edit = fc.record({
      key: fc.constantFrom("a", "b", "c d"),
      table: fc.constantFrom(undefined, "t", "u"),
      value: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
        let text = "# head\n";
        const wanted: Record<string, unknown> = {};
        const tables: Record<string, Record<string, unknown>> = {};
        for (const { key, table, value } of edits) {
          text = setConfigValue(text, key, value, table);
          const own = table === undefined ? wanted : (tables[table] ?? {});
          own[key] = value;
          if (table === undefined) continue;
          tables[table] = own;
          wanted[table] = own;
        }
        expect(parse(text) as unknown).toEqual(wanted);
        expect(text.startsWith("# head\n")).toBe(true);
      }),
    );
  });
});
