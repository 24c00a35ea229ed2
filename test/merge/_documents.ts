/** Random files, and edits of them, for the properties of a merge. */

import fc from "fast-check";

/** How an edit is made: of each line, and of what comes before it. */
export interface Edit {
  readonly change: "keep" | "remove" | "replace";
  readonly before: readonly string[];
}

/** Words of which env files and unit files are made, each line in its canonical spelling. */
export const envLine = fc.oneof(
  fc
    .tuple(fc.constantFrom("A", "B", "C", "D"), fc.constantFrom("1", "2", "3"))
    .map((w) => w.join("=")),
  fc.constantFrom("# one", "# two", "", "nonsense", "=x", "\xff=\xfe"),
);

export const unitLine = fc.oneof(
  fc.constantFrom("[Exec]", "[Files]", "[Service]", "[Network]"),
  fc.tuple(fc.constantFrom("Boot", "User"), fc.constantFrom("1", "2")).map((w) => w.join("=")),
  fc
    .tuple(fc.constantFrom("A", "B"), fc.constantFrom("1", "2"))
    .map(([n, v]) => `Environment=${n}=${v}`),
  fc
    .tuple(fc.constantFrom("/a", "/b"), fc.constantFrom("/x", "/y"))
    .map(([s, t]) => `Bind=${s}:${t}`),
  fc.constantFrom("a", "b", "c").map((word) => `ExecStartPre=${word}`),
  fc.constantFrom("CAP_A", "CAP_B").map((word) => `DropCapability=${word}`),
  fc.constantFrom("# one", "; two", "", "nonsense", "=x", "\xff=\xfe", "C=\\\n  # in\n  d"),
);

export const fileOf = (line: fc.Arbitrary<string>) =>
  fc.array(line, { maxLength: 14 }).map((lines) => lines.map((l) => `${l}\n`).join(""));

/** Three files: any, or two that are edits of the first. */
export const threeOf = (line: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.tuple(fileOf(line), fileOf(line), fileOf(line)),
    fileOf(line).chain((base) =>
      fc.tuple(fc.constant(base), editOf(base, line), editOf(base, line)),
    ),
  );

/** The file with some of its lines removed, replaced, and others put in. */
export function editOf(text: string, line: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const lines = text.split("\n").slice(0, -1);
  const rare = fc.constantFrom<Edit["change"][]>("keep", "keep", "keep", "remove", "replace");
  const edit = fc.record({
    change: rare,
    before: fc.oneof(fc.constant([]), fc.constant([]), fc.array(line, { maxLength: 2 })),
    line,
  });
  return fc.array(edit, { minLength: lines.length + 1, maxLength: lines.length + 1 }).map((edits) =>
    edits
      .flatMap(({ change, before, line: other }, index) => {
        const old = lines[index];
        if (old === undefined || change === "remove") return before;
        return [...before, change === "replace" ? other : old];
      })
      .map((text) => `${text}\n`)
      .join(""),
  );
}
