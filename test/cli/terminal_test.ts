import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { renderJson } from "../../lib/cli/json.ts";
import { renderTable, width } from "../../lib/cli/table.ts";
import {
  clipLine,
  escapeControls,
  escapeLine,
  renderForTerminal,
  style,
  withoutStyles,
} from "../../lib/cli/terminal.ts";

/** What a terminal acts on instead of showing it. */
const STEERS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** Strings with many of the characters that matter. */
const nasty = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.integer({ min: 0, max: 0xa0 }).map((code) => String.fromCharCode(code)),
      fc.constantFrom("\x1b[2J", "\u202e", "\ufdd3", "\ufdd0", "\n", "\t", "漢字"),
    ),
  )
  .map((parts) => parts.join(""));

describe("escapeControls()", () => {
  test.each([
    ["plain", "plain"],
    ["tab\tand\nline feed", "tab\tand\nline feed"],
    ["\x1b[2J\x07\r\b\x00", "\\x1b[2J\\x07\\x0d\\x08\\x00"],
    ["\x7f\x9b31m", "\\x7f\\x9b31m"],
    ["\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"],
    ["žluťoučký 漢字 🐧", "žluťoučký 漢字 🐧"],
  ])("%j", (text, expected) => {
    expect(escapeControls(text)).toBe(expected);
  });
});

describe("escapeLine()", () => {
  test("gives one line, whatever the text", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const line = escapeLine(text);
        expect(line).not.toMatch(STEERS);
        expect(line).not.toMatch(/[\n\t]/);
      }),
    );
  });
});

describe("renderForTerminal()", () => {
  test("turns marks into colours, or takes them out", () => {
    const text = `${style("red", "x")} ${style("bold", "y\x1b")}`;
    expect(renderForTerminal(text, true)).toBe("\x1b[31mx\x1b[0m \x1b[1my\\x1b\x1b[0m");
    expect(renderForTerminal(text, false)).toBe("x y\\x1b");
    expect(withoutStyles(text)).toBe("x y\x1b");
  });

  test("lets nothing steer the terminal but its own colours", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(renderForTerminal(text, true).replace(/\x1b\[\d+m/g, "")).not.toMatch(STEERS);
        expect(renderForTerminal(text, false)).not.toMatch(STEERS);
      }),
    );
  });
});

describe("clipLine()", () => {
  test.each([
    ["four", 4, "four"],
    ["fives", 4, "five"],
    ["漢字", 3, "漢"],
    ["🐧🐧", 2, "🐧"],
    [`${style("red", "red")} x`, 5, `${style("red", "red")} x`],
    [`${style("red", "red")} x`, 3, style("red", "red")],
    [`${style("red", "red")} x`, 2, style("red", "re")],
    [`ab${style("red", "red")}`, 1, `a${style("red", "").slice(1)}`],
  ])("cuts %j to %d columns", (line, columns, expected) => {
    expect(clipLine(line, columns)).toBe(expected);
  });
});

describe("renderTable()", () => {
  test("aligns its columns and leaves no space at the end of a line", () => {
    const table = renderTable(
      ["NAME", "STATE", "ADDRESS"],
      [
        ["web", "running", "300::1"],
        ["a-longer-name", undefined, ""],
        ["漢字", "stopped", "x\ny"],
      ],
    );
    expect(withoutStyles(table)).toBe(
      [
        "NAME           STATE    ADDRESS",
        "web            running  300::1",
        "a-longer-name  -        -",
        "漢字           stopped  x\\ny",
        "",
      ].join("\n"),
    );
  });

  test("is the heading alone where there is nothing", () => {
    expect(withoutStyles(renderTable(["A", "B"], []))).toBe("A  B\n");
  });

  test("has one line a row and every column at one place, whatever the cells", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(nasty, nasty), { maxLength: 5 }), (rows) => {
        const lines = withoutStyles(renderTable(["A", "B"], rows)).split("\n");
        expect(lines).toHaveLength(rows.length + 2);
      }),
    );
  });
});

describe("width()", () => {
  test("counts wide characters twice and marks not at all", () => {
    expect(width(style("red", "漢字x"))).toBe(5);
  });
});

describe("renderJson()", () => {
  test("begins with the version of the schema", () => {
    expect(renderJson({ machines: [], none: undefined })).toBe(
      '{\n  "schemaVersion": 1,\n  "machines": []\n}\n',
    );
  });

  test("keeps every text, and lets none of it steer a terminal", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const json = renderJson({ text });
        expect(json).not.toMatch(STEERS);
        expect(JSON.parse(json)).toEqual({ schemaVersion: 1, text });
      }),
    );
  });
});
