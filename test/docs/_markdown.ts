/** Parts of a Markdown file. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The project's folder. */
export const project = join(import.meta.dir, "../..");

/** The text of a file of the project. */
export function readDocument(path: string): string {
  return readFileSync(join(project, path), "utf8");
}

/**
 * The text below a heading, up to the next one of its level or a higher one.
 *
 * @throws Error when there is no such heading.
 */
export function section(markdown: string, title: string): string {
  const lines = markdown.split("\n");
  const levels = headingLevels(markdown);
  const from = lines.findIndex(
    (line, index) => levels[index] !== 0 && line.replace(/^#+ /, "") === title,
  );
  if (from < 0) throw new Error(`Cannot find the heading "${title}"`);
  const to = levels.findIndex(
    (level, index) => index > from && level !== 0 && level <= (levels[from] ?? 0),
  );
  return lines.slice(from + 1, to < 0 ? undefined : to).join("\n");
}

/** For each line the level of the heading that it is, else 0; comments in code are none. */
export function headingLevels(markdown: string): number[] {
  let isCode = false;
  return markdown.split("\n").map((line) => {
    if (line.startsWith("```")) isCode = !isCode;
    return isCode ? 0 : (/^(#+) /.exec(line)?.[1]?.length ?? 0);
  });
}

/** The contents of the fenced blocks of a language. */
export function codeBlocks(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...markdown.matchAll(fence)].map(([, content = ""]) => content);
}

/** The rows of all tables, cell by cell, without the heads. */
export function tableRows(markdown: string): string[][] {
  const lines = markdown.split("\n");
  return lines
    .filter(
      (line, index) =>
        line.startsWith("|") && !/^\| *-/.test(line) && !/^\| *-/.test(lines[index + 1] ?? ""),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}
