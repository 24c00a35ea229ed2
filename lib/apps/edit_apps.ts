/**
 * Adds, changes and removes `[[apps]]` in machine.toml by an edit of its text: comments, order and everything else stay
 * as the administrator wrote them. Pure.
 *
 * @module
 */

import { parse, stringify } from "smol-toml";
import { usageError } from "../errors.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import { formatApp } from "../spec/app_toml.ts";

/**
 * Puts an application into machine.toml, in the place of what it says of that name.
 *
 * @throws {MbctlError} (usage) when the file is written in a way that this edit does not know.
 */
export function setApp(text: string, app: AppSpec): string {
  const lines = linesOf(text);
  const block = findBlock(lines, app.name);
  const table = formatApp(app);
  const own = stringify({ apps: [table] })
    .trim()
    .split("\n");
  if (block === undefined) lines.push(...(lines.at(-1)?.trim() === "" ? [] : [""]), ...own);
  else lines.splice(block.start, block.end - block.start, ...own);
  return checked(text, `${lines.join("\n")}\n`, app.name, [
    ...tablesOf(text).filter(({ name }) => name !== app.name),
    table,
  ]);
}

/**
 * Takes an application out of machine.toml; a text without it stays as it is.
 *
 * @throws {MbctlError} (usage) when the file is written in a way that this edit does not know.
 */
export function unsetApp(text: string, name: AppName): string {
  const left = tablesOf(text).filter((table) => table.name !== name);
  if (left.length === tablesOf(text).length) return text;
  const lines = linesOf(text);
  const block = findBlock(lines, name);
  if (block !== undefined) {
    const isAfterBlank = lines[block.start - 1]?.trim() === "";
    const start = isAfterBlank ? block.start - 1 : block.start;
    lines.splice(start, block.end - start);
  }
  return checked(text, `${lines.join("\n")}\n`, name, left);
}

/** Lines of a text, from the header of its table to behind its last line. */
interface Block {
  readonly start: number;
  readonly end: number;
}

/** The `[[apps]]` of that name, with the tables in it. A header inside a text of many lines is no header: checked() finds that out. */
function findBlock(lines: readonly string[], name: string): Block | undefined {
  for (const [start, line] of lines.entries()) {
    if (!/^\s*\[\[\s*apps\s*\]\]\s*(#.*)?$/.test(line)) continue;
    const next = lines.findIndex(
      (other, index) =>
        index > start && /^\s*\[/.test(other) && !/^\s*\[\[?\s*apps\s*\./.test(other),
    );
    const whole = lines.slice(start, next < 0 ? lines.length : next);
    // Comments and blanks before the next table are that one's.
    const end = start + 1 + whole.findLastIndex((other) => !/^\s*(#.*)?$/.test(other));
    const [read] = tablesOf(whole.join("\n"));
    if (read?.name === name) return { start, end };
  }
  return undefined;
}

function linesOf(text: string): string[] {
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

/** None where the text cannot be read. */
function tablesOf(text: string): Record<string, unknown>[] {
  const apps = parsed(text)?.apps;
  return Array.isArray(apps) ? (apps as Record<string, unknown>[]) : [];
}

/** Reads both texts and wants them to differ by the applications alone, in whatever order these stand. */
function checked(
  before: string,
  after: string,
  name: AppName,
  apps: readonly Record<string, unknown>[],
): string {
  const byName = (one: Record<string, unknown>, two: Record<string, unknown>) =>
    String(one.name) < String(two.name) ? -1 : 1;
  const sorted = (tables: readonly Record<string, unknown>[]) => tables.toSorted(byName);
  // As TOML reads them back: what is undefined is no key.
  const wanted = parsed(stringify({ ...parsed(before), apps: sorted(apps) }));
  const read = parsed(after);
  const found = { ...read, apps: sorted(tablesOf(after)) };
  if (read !== undefined && Bun.deepEquals(found, { ...wanted, apps: wanted?.apps ?? [] }))
    return after;
  throw usageError(
    `Cannot edit the application "${name}" in machine.toml: it is written in a way that mbctl does not edit`,
    "mbctl machines edit NAME, and write the table [[apps]] yourself",
  );
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
