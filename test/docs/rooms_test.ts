/** Each room's README names the files that are there, and no others. */

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { headingLevels, project, readDocument } from "./_markdown.ts";

const rooms = readdirSync(join(project, "lib"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => `lib/${entry.name}`);

/** The files that a README names in its tables' first cells, as patterns: `completion*.ts`. */
function namedFiles(markdown: string): string[] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .flatMap((line) =>
      [...(line.split("|")[1] ?? "").matchAll(/`([a-z0-9_*.]+\.ts)`/g)].map(
        ([, name = ""]) => name,
      ),
    );
}

describe.each(rooms)("%s/README.md", (room) => {
  const files = readdirSync(join(project, room)).filter((name) => name.endsWith(".ts"));
  const read = () => namedFiles(readDocument(`${room}/README.md`));

  test("names every file", () => {
    const globs = read().map((name) => new Bun.Glob(name));
    expect(files.filter((file) => !globs.some((glob) => glob.match(file)))).toEqual([]);
  });

  test("names no file that is not there", () => {
    const missing = read().filter((name) => !files.some((file) => new Bun.Glob(name).match(file)));
    expect(missing).toEqual([]);
  });
});

const documents = [
  "README.md",
  "README.zh-CN.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "init-templates/README.md",
  "scripts/README.md",
  "systemd-configs/README.md",
  "test/README.md",
  "test/lab/README.md",
  ...rooms.map((room) => `${room}/README.md`),
];

describe.each(documents)("%s", (path) => {
  test("links to files and headings that exist", () => {
    const targets = [...readDocument(path).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(
      ([, target = ""]) => target,
    );
    const broken = targets.filter((target) => {
      const [file = "", heading] = target.split("#");
      const document = file === "" ? path : join(dirname(path), file);
      if (!existsSync(join(project, document))) return true;
      return heading !== undefined && !headingIds(readDocument(document)).includes(heading);
    });
    expect(broken).toEqual([]);
  });

  test("begins with its one title", () => {
    const levels = headingLevels(readDocument(path));
    expect([levels[0], levels.filter((level) => level === 1).length]).toEqual([1, 1]);
  });
});

test("CONTRIBUTING.md has every room and every dependency in a table", () => {
  const text = readDocument("CONTRIBUTING.md");
  expect(rooms.filter((room) => !new RegExp(`^\\| \`${room}/\``, "m").test(text))).toEqual([]);
  const { dependencies, devDependencies } = JSON.parse(readDocument("package.json"));
  const named = [...text.matchAll(/^\| ([^|]+?) +\|/gm)].flatMap(([, cell = ""]) =>
    cell.split(/[ ,]+/),
  );
  expect(
    Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !named.includes(name)),
  ).toEqual([]);
});

/** The ids of headings as forges make them. */
function headingIds(markdown: string): string[] {
  const levels = headingLevels(markdown);
  return markdown
    .split("\n")
    .filter((_, index) => levels[index] !== 0)
    .map((line) =>
      line
        .replace(/^#+ /, "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    );
}
