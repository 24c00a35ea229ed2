/** Merges of what mbctl really renders: each golden file becomes each other one below an administrator's edits. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mergeEnvFile, mergeUnitFile } from "../../lib/merge/merge_file.ts";

const golden = join(import.meta.dir, "../golden");

/** The golden files that end so, by path. */
function files(folder: string, end: string): string[] {
  const names = readdirSync(join(golden, folder)).filter((name) => name.endsWith(end));
  return names.map((name) => join(folder, name));
}

const read = (name: string) => readFileSync(join(golden, name), "utf8");

/** The text with lines of an administrator's before the given places, counted from the end where negative. */
function edited(text: string, mine: Readonly<Record<number, string>>): string {
  const lines = text.split("\n");
  for (const [place, line] of Object.entries(mine)) lines.splice(Number(place), 0, line);
  return lines.join("\n");
}

const withoutMine = (text: string) =>
  text
    .split("\n")
    .filter((line) => !/mine/.test(line))
    .join("\n");

describe("a unit file", () => {
  const kinds = [files("nspawn", ".nspawn"), files("nspawn", ".service.conf")];
  const rows = kinds.flatMap((names) => names.map((from) => [from, names] as const));
  test.each(rows)("%s becomes each of the others", (from, names) => {
    for (const to of names) become(from, to);
  });

  function become(from: string, to: string): void {
    const [base, theirs] = [read(from), read(to)];
    // In a section that all of them have.
    const section = base.split("\n").findLastIndex((line) => line.startsWith("["));
    const ours = edited(base, {
      0: "# mine, on top",
      [section + 2]: "X-Mine=mine",
      [section + 3]: "# mine, too",
      [base.split("\n").length + 2]: "# mine, at the end",
    });
    const merged = mergeUnitFile(base, ours, theirs);
    expect(merged.conflicts).toEqual([]);
    expect(merged.text.match(/mine/gi)).toHaveLength(5);
    expect(withoutMine(merged.text)).toBe(theirs);
    expect(mergeUnitFile(base, merged.text, theirs).text).toBe(merged.text);
  }
});

describe("an env file", () => {
  const names = files("machine", ".envFile");
  test.each(names)("%s becomes each of the others", (from) => {
    for (const to of names) become(from, to);
  });

  function become(from: string, to: string): void {
    const [base, theirs] = [read(from), read(to)];
    const merged = mergeEnvFile(base, edited(base, { 1: "MINE=mine", 3: "# mine" }), theirs);
    expect(merged.conflicts).toEqual([]);
    expect(merged.text).toContain("MINE=mine\n");
    expect(withoutMine(merged.text)).toBe(theirs);
  }
});
