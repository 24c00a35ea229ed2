/** What holds of every merge, whatever the files hold. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mergeEnvFile, mergeUnitFile } from "../../lib/merge/merge_file.ts";
import { editOf, envLine, fileOf, threeOf, unitLine } from "./_documents.ts";

const any = fc.string({ unit: "binary", maxLength: 60 });
const kinds = [
  { name: "mergeEnvFile()", merge: mergeEnvFile, line: envLine },
  { name: "mergeUnitFile()", merge: mergeUnitFile, line: unitLine },
];

/** How often each line stands in a text. */
function counted(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of text.split(/[\n\r\0]/)) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

describe.each(kinds)("$name", ({ merge, line }) => {
  const check = (property: (three: readonly [string, string, string]) => void) =>
    fc.assert(fc.property(fc.oneof(threeOf(line), fc.tuple(any, any, any)), property), {
      numRuns: 500,
    });

  test("gives the new rendering where the administrator changed nothing", () => {
    check(([base, , theirs]) => expect(merge(base, base, theirs).text).toBe(theirs));
  });

  test("gives the administrator's file where the rendering is as it was, or the same", () => {
    check(([base, ours, theirs]) => {
      expect(merge(base, ours, base)).toEqual({ text: ours, conflicts: [] });
      expect(merge(base, theirs, theirs)).toEqual({ text: theirs, conflicts: [] });
    });
  });

  test("changes nothing when it is done again from the new rendering", () => {
    check(([base, ours, theirs]) => {
      const { text } = merge(base, ours, theirs);
      expect(merge(theirs, text, theirs)).toEqual({ text, conflicts: [] });
    });
  });

  test("has no conflict left where theirs was preferred, and is settled", () => {
    check(([base, ours, theirs]) => {
      // An element of a list that was removed and one that was changed look alike, once they are.
      fc.pre(!/^Exec/m.test(base + ours + theirs));
      const taken = merge(base, ours, theirs, "theirs");
      expect(merge(base, ours, theirs).conflicts).toEqual(taken.conflicts);
      expect(merge(base, taken.text, theirs).conflicts).toEqual([]);
    });
  });

  test("never drops a line of the administrator's that mbctl had not rendered", () => {
    check(([base, ours, theirs]) => {
      const merged = merge(base, ours, theirs).text;
      const rendered = counted(base);
      for (const [text, count] of counted(ours)) {
        const own = count - (rendered.get(text) ?? 0);
        // A section's header goes with its last entry.
        if (own <= 0 || text === "" || text.startsWith("[")) continue;
        expect(counted(merged).get(text) ?? 0).toBeGreaterThanOrEqual(own);
      }
    });
  });

  test("puts comments of the administrator's into the new rendering, and changes nothing else", () => {
    // Renderings in which no line stands twice: what was added, changed or dropped is then plain.
    const once = (text: string) => [...new Set(text.split("\n").slice(0, -1))];
    // Lists are left out, whose elements go by their place, and comments amid joined lines.
    const plain = line.filter((text) => !/^ExecStart|\\/.test(text));
    const three = fileOf(plain).chain((base) => {
      const lines = once(base)
        .map((text) => `${text}\n`)
        .join("");
      return fc.tuple(fc.constant(lines), fc.array(fc.nat(20)), editOf(lines, plain));
    });
    fc.assert(
      fc.property(three, ([base, places, edited]) => {
        const theirs = once(edited);
        fc.pre(isInOrder(base, theirs, line === envLine));
        const ours = base.split("\n").slice(0, -1);
        for (const [n, place] of places.entries()) ours.splice(place, 0, `# mine ${n}`);
        const merged = merge(
          base,
          ours.map((l) => `${l}\n`).join(""),
          theirs.map((l) => `${l}\n`).join(""),
        );
        expect(merged.conflicts).toEqual([]);
        const rest = merged.text.split("\n").slice(0, -1);
        expect(rest.filter((text) => text.startsWith("# mine"))).toHaveLength(places.length);
        expect(rest.filter((text) => !text.startsWith("# mine"))).toEqual(theirs);
      }),
      { numRuns: 500 },
    );
  });
});

/** Whether what two renderings share stands in one order, and in sections that both have. */
function isInOrder(base: string, theirs: readonly string[], isEnv: boolean): boolean {
  const before = namesOf(base.split("\n").slice(0, -1), isEnv);
  const after = namesOf(theirs, isEnv);
  const isOnce = [before, after].every((names) => new Set(names).size === names.length);
  const shared = before.filter((name) => after.includes(name));
  const isOrdered = after.filter((name) => before.includes(name)).join("\n") === shared.join("\n");
  return isOnce && isOrdered && before.filter(isHeader).every((name) => after.includes(name));
}

const isHeader = (name: string) => name.endsWith("]");

/** What each line sets, with its section. */
function namesOf(lines: readonly string[], isEnv: boolean): string[] {
  let section = "";
  return lines.map((line) => {
    if (!isEnv && isHeader(line)) section = line;
    if (section === "[Files]" && line.startsWith("Bind=")) return line.replace(/^.*:/, "Bind:");
    if (section === "[Exec]" && line.startsWith("DropCapability=")) return line;
    const isNamed = isEnv || /^[A-Z]\w+=/.test(line);
    return section + (isNamed ? line.replace(/=[^=]*$/, "") : line);
  });
}
