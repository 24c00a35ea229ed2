import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  formatUnitFile,
  parseUnitFile,
  unitBlank,
  unitComment,
  unitEntries,
  unitEntry,
  unitSection,
} from "../../lib/nspawn/unit_file.ts";

const SAMPLE = `# comment
[Exec]
Boot = no
; other comment
Environment=A=1 # no comment
Environment="B=two words"
Parameters=one \\
  # amid joined lines
  two\\\\
[Files]
nonsense
Bind=/a\\:b:/c
[Exec]
Boot=yes
`;

describe("parseUnitFile()", () => {
  test("keeps order, repeated sections and keys, and values verbatim", () => {
    expect(unitEntries(parseUnitFile(SAMPLE))).toEqual([
      { section: "Exec", key: "Boot", value: "no" },
      { section: "Exec", key: "Environment", value: "A=1 # no comment" },
      { section: "Exec", key: "Environment", value: '"B=two words"' },
      { section: "Exec", key: "Parameters", value: "one    two\\\\" },
      { section: "Files", key: "Bind", value: "/a\\:b:/c" },
      { section: "Exec", key: "Boot", value: "yes" },
    ]);
  });

  test("leaves out what stands above the first section", () => {
    expect(unitEntries(parseUnitFile("A=b\n[S]\nC=d"))).toEqual([
      { section: "S", key: "C", value: "d" },
    ]);
  });
});

describe("formatUnitFile()", () => {
  test("gives any text back byte for byte", () => {
    expect(formatUnitFile(parseUnitFile(SAMPLE))).toBe(SAMPLE);
    const line = fc.constantFrom(
      "[Exec]",
      "A=b",
      "A=\\",
      "#c\\",
      " ; c",
      "\\",
      "=",
      "[x",
      "é =  f ",
      "",
      "\0",
    );
    const end = fc.constantFrom("\n", "\r\n", "\r", "\n\r");
    const text = fc.oneof(
      fc.array(fc.tuple(line, end)).map((lines) => lines.flat().join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, (sample) => expect(formatUnitFile(parseUnitFile(sample))).toBe(sample)),
    );
  });

  test("writes new items, and ends an unended line before them", () => {
    const items = [
      ...parseUnitFile("[A]\nx=1"),
      unitEntry("y", "2"),
      unitBlank(),
      unitComment("a\n\nb"),
      unitSection("C"),
    ];
    expect(formatUnitFile(items)).toBe("[A]\nx=1\ny=2\n\n# a\n#\n# b\n[C]\n");
  });

  test("is undone by parseUnitFile() for what it made itself", () => {
    const items = [
      unitComment("x"),
      unitSection("S"),
      unitEntry("Key", "a=b #c"),
      unitEntry("Key", ""),
    ];
    expect(unitEntries(parseUnitFile(formatUnitFile(items)))).toEqual(unitEntries(items));
  });
});
