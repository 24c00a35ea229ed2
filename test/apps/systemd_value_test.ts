/** The quoters, held against readers of systemd's grammars; test/e2e/apps_test.ts asks systemd itself. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  formatEnvironmentLine,
  formatPath,
  formatProgramPath,
  isSystemdVariable,
  quoteExecWord,
  quotePathField,
} from "../../lib/apps/systemd_value.ts";
import { parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";
import { splitSystemdWords } from "../../lib/podman/systemd_words.ts";
import { NASTY_PATHS, NASTY_WORDS } from "../nspawn/nasty_values.ts";

/** What a line of a unit file says; specifiers are read last (unit_full_printf). */
function readValue(line: string): string {
  const entries = unitEntries(parseUnitFile(`[Service]\n${line}\n`));
  expect(entries).toBeArrayOfSize(1);
  return entries[0]?.value ?? "";
}

const unspecified = (text: string) => text.replaceAll("%%", "%");

/** What systemd takes for text. */
const anyText = fc
  .string({ unit: "binary" })
  .filter((text) => !/\0|\p{Noncharacter_Code_Point}/u.test(text) && text.isWellFormed());

/** extract_first_word() with EXTRACT_UNQUOTE and the separators `:` and blank: fields of BindPaths=. */
function splitFields(value: string): string[] {
  const fields = [""];
  let quote = "";
  for (let at = 0; at < value.length; at++) {
    const char = value[at] ?? "";
    if (char === "\\") fields[fields.length - 1] += value[++at] ?? "";
    else if (quote !== "" && char === quote) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else if (quote === "" && char === ":") fields.push("");
    else fields[fields.length - 1] += char;
  }
  return fields;
}

/** parse_env_file_internal(), of a value in double quotes. */
function readEnvironment(text: string): [name: string, value: string][] {
  const entries: [string, string][] = [];
  const pattern = /([A-Za-z_]\w*)="((?:[^"\\]|\\[\s\S])*)"\n/gy;
  for (const [, name = "", value = ""] of text.matchAll(pattern))
    entries.push([
      name,
      value.replaceAll(/\\([\s\S])/g, (all, char) => ('"\\`$'.includes(char) ? char : all)),
    ]);
  return entries;
}

describe("quoteExecWord()", () => {
  test.each([...NASTY_WORDS, "a\nb", "a\rb", "\n", "100%", "%%", "\\x41"])("keeps %j", (word) => {
    const value = readValue(`ExecStart=:@/bin/x ${quoteExecWord(word)} last`);
    expect(splitSystemdWords(unspecified(value))).toEqual([":@/bin/x", word, "last"]);
  });

  test("keeps any words", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1 }), (words) => {
        const value = readValue(`ExecStart=:/bin/x ${words.map(quoteExecWord).join(" ")}`);
        expect(splitSystemdWords(value).slice(1).map(unspecified)).toEqual(words);
      }),
    );
  });

  test.each([
    ["a\0b", "it holds a NUL"],
    ["a\ud800b", "it holds half a surrogate pair"],
    ["a\uffffb", "it holds a Unicode noncharacter"],
    ["a\ufdd0b", "it holds a Unicode noncharacter"],
  ])("refuses %j", (word, state) => {
    expect(() => quoteExecWord(word)).toThrow(
      `Cannot write ${JSON.stringify(word)} to a unit: ${state}`,
    );
  });
});

describe("paths", () => {
  test.each([...NASTY_PATHS])("quotePathField() keeps %j", (path) => {
    const value = readValue(`BindPaths=${quotePathField(path)}:${quotePathField("/to:x")}`);
    expect(splitFields(unspecified(value))).toEqual([path, "/to:x"]);
  });

  test.each([...NASTY_PATHS])("formatPath() keeps %j", (path) => {
    const value = unspecified(readValue(`WorkingDirectory=${formatPath(path)}`));
    expect(value.replace(/(?<=.)\/$/, "")).toBe(path);
  });

  test.each(["relative", "/line\nbreak", "/return\r"])("a unit cannot hold %j", (path) => {
    expect(() => quotePathField(path)).toThrow("Cannot write the path");
    expect(() => formatPath(path)).toThrow("Cannot write the path");
  });

  test.each([`/a"b`, "/a'b", "/a\\b", "/a\nb", "a"])("systemd runs no program %j", (path) => {
    expect(() => formatProgramPath(path)).toThrow("Cannot run the program");
  });

  test("a program's path may hold blanks and more", () => {
    expect(formatProgramPath("/opt/a b/100%")).toBe('"/opt/a b/100%%"');
  });
});

describe("formatEnvironmentLine()", () => {
  test("keeps any values, one behind the other", () => {
    fc.assert(
      fc.property(fc.array(anyText), (values) => {
        const entries = values.map((value, index): [string, string] => [`V${index}`, value]);
        const text = entries.map(([name, value]) => formatEnvironmentLine(name, value)).join("");
        expect(readEnvironment(text)).toEqual(entries);
      }),
    );
  });

  test("expands nothing", () => {
    expect(formatEnvironmentLine("A", '$HOME %n `id` "\\')).toBe(
      'A="\\$HOME %n \\`id\\` \\"\\\\"\n',
    );
  });
});

test.each([
  ["PATH", true],
  ["_", true],
  ["my.var", false],
  ["1st", false],
  ["", false],
])("isSystemdVariable() of %j is %p", (name, expected) => {
  expect(isSystemdVariable(name)).toBe(expected);
});
