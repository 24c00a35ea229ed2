import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  escapeBindField,
  formatPlainPath,
  formatPlainText,
  quoteNspawnWord,
  quoteNspawnWords,
  splitBindFields,
  splitNspawnWords,
} from "../../lib/nspawn/quote.ts";
import { IMPOSSIBLE_WORDS, NASTY_PATHS, NASTY_WORDS } from "./nasty_values.ts";

/** Texts that a line of a .nspawn file can hold, rich in what its grammars find special. */
const lineText = fc
  .oneof(
    fc.string({
      unit: fc.constantFrom(..."\"'\\ \t=:;#$%ab", "é", "🦊", "\u00a0", "\u2028"),
    }),
    fc.string({ unit: "binary" }),
  )
  .filter((text) => !/[\n\r\0]|\p{Noncharacter_Code_Point}/u.test(text));

describe("quoteNspawnWord()", () => {
  test.each([
    ["", '""'],
    ["plain", "plain"],
    ["PATH=/usr/bin:/bin", "PATH=/usr/bin:/bin"],
    ["$HOME", "$HOME"],
    ["two words", '"two words"'],
    ["it's", `"it's"`],
    [`say "x"`, `'say "x"'`],
    [`it's "x"`, `"it's "'"'"x"'"'""`],
    ["back\\slash", '"back\\slash"'],
    ["ends\\", '"ends\\"'],
    ["ü", '"ü"'],
  ])("quotes %j as %j", (word, quoted) => {
    expect(quoteNspawnWord(word)).toBe(quoted);
  });

  test.each([...IMPOSSIBLE_WORDS])("refuses %j: %s", (word, why) => {
    expect(() => quoteNspawnWord(word)).toThrow(
      `Cannot write ${JSON.stringify(word)} to an nspawn file: ${why}`,
    );
  });

  test("leaves no line that ends in a backslash", () => {
    fc.assert(fc.property(lineText, (word) => !quoteNspawnWord(word).endsWith("\\")));
  });
});

describe("splitNspawnWords()", () => {
  test("undoes quoteNspawnWords()", () => {
    expect(splitNspawnWords(quoteNspawnWords(NASTY_WORDS))).toEqual([...NASTY_WORDS]);
    fc.assert(
      fc.property(fc.array(lineText), (words) =>
        expect(splitNspawnWords(quoteNspawnWords(words))).toEqual(words),
      ),
    );
  });

  test.each([
    ["", []],
    ["  a\t b  ", ["a", "b"]],
    [`a"b c"d`, ["ab cd"]],
    [`'a "b"' ""`, [`a "b"`, ""]],
    ["a\\ b", ["a\\", "b"]],
    ["\u00a0x", ["\u00a0x"]],
  ])("splits %j", (value, words) => {
    expect(splitNspawnWords(value)).toEqual(words);
  });

  test.each([`"a`, `a'`, `"a\\"b"`])("refuses %j, where a quote is not closed", (value) => {
    expect(() => splitNspawnWords(value)).toThrow("is not closed");
  });
});

describe("escapeBindField()", () => {
  test.each([
    ["/plain path", "/plain path"],
    ["/a:b", "/a\\:b"],
    ["/a\\b", "/a\\\\b"],
    ["/a\\:b", "/a\\\\\\:b"],
    [`/"q" 'q'`, `/"q" 'q'`],
  ])("escapes %j as %j", (path, escaped) => {
    expect(escapeBindField(path)).toBe(escaped);
  });

  test("is undone by splitBindFields()", () => {
    const path = lineText.map((text) => `/${text}`);
    fc.assert(
      fc.property(fc.array(path, { minLength: 1 }), (paths) =>
        expect(splitBindFields(paths.map(escapeBindField).join(":"))).toEqual(paths),
      ),
    );
    expect(splitBindFields(NASTY_PATHS.map(escapeBindField).join(":"))).toEqual([...NASTY_PATHS]);
  });

  test("refuses a relative path", () => {
    expect(() => escapeBindField("a/b")).toThrow(
      'Cannot write the path "a/b" to an nspawn file: it is not absolute',
    );
  });
});

describe("formatPlainPath()", () => {
  test.each([
    ["/", "/"],
    ["/a b", "/a b"],
    ["/a ", "/a /"],
    ["/a\\", "/a\\/"],
    ["/a:b\\c", "/a:b\\c"],
  ])("writes %j as %j", (path, text) => {
    expect(formatPlainPath(path)).toBe(text);
  });

  test("refuses a line break", () => {
    expect(() => formatPlainPath("/a\nb")).toThrow("it holds a line break");
  });
});

describe("formatPlainText()", () => {
  test.each(["", " a", "a\t", "a\\", "a\nb"])("refuses %j", (text) => {
    expect(() => formatPlainText(text)).toThrow("to an nspawn file");
  });
});
