/**
 * Adds, changes and removes `[[apps]]` in machine.toml by an edit of its text: comments, order and everything else stay
 * as the administrator wrote them. Pure.
 *
 * @module
 */

import { stringify } from "smol-toml";
import { setConfigValue } from "../config/edit_config.ts";
import { parseTomlIfWhole } from "../config/toml.ts";
import { MbctlError, usageError } from "../errors.ts";
import { formatPublishedPort, type PublishedPort } from "../network/published_port.ts";
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

/**
 * Writes an application's digests into machine.toml, beside its reference.
 *
 * @returns undefined where the text is written in a way that this edit does not know; whoever asks looks at what it says.
 */
export function pinApp(text: string, { name, image }: AppSpec): string | undefined {
  const lines = linesOf(text);
  const block = findBlock(lines, name);
  if (block === undefined) return undefined;
  const own = lines.slice(block.start, block.end);
  const { reference, digest, manifestDigest } = image;
  const keys = { reference, digest, manifest_digest: manifestDigest };
  const inline = /^(\s*image\s*=\s*)(?:"[^"\n]*"|'[^'\n]*'|\{[^\n]*\})/;
  const isHeader = (line: string) => /^\s*\[/.test(line);
  const sub = own.findIndex((line, index) => index > 0 && isHeader(line));
  const at = own.findIndex((line, index) => (sub < 0 || index < sub) && inline.test(line));
  if (at >= 0) {
    const table = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    own[at] = (own[at] ?? "").replace(inline, (_, key) => `${key}{ ${table.join(", ")} }`);
  } else {
    const start = own.findIndex((line) => /^\s*\[\s*apps\s*\.\s*image\s*\]/.test(line)) + 1;
    if (start === 0) return undefined;
    const next = own.findIndex((line, index) => index >= start && isHeader(line));
    const table = own.slice(start, next < 0 ? own.length : next);
    const end = table.findLastIndex((line) => !isNothing(line)) + 1;
    const edited = Object.entries(keys).reduce(
      (body, [key, value]) => setConfigValue(body, key, value),
      table.slice(0, end).join("\n"),
    );
    own.splice(start, end, ...linesOf(edited));
  }
  lines.splice(block.start, block.end - block.start, ...own);
  return `${lines.join("\n")}\n`;
}

/**
 * Adds ports to those that a machine publishes; a text that has them stays as it is.
 *
 * @param present those that it has.
 * @throws {MbctlError} (usage) when the file is written in a way that this edit does not know.
 */
export function addPublished(
  text: string,
  present: readonly PublishedPort[],
  more: readonly PublishedPort[],
): string {
  const before = present.map(formatPublishedPort);
  const all = [...new Set([...before, ...more.map(formatPublishedPort)])];
  if (all.length === before.length) return text;
  try {
    return setConfigValue(text, "publish", all);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    throw usageError(
      "Cannot publish ports in machine.toml: it is written in a way that mbctl does not edit",
      `mbctl machines edit NAME, and write above its tables: publish = ${JSON.stringify(all)}`,
    );
  }
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
    const end = start + 1 + whole.findLastIndex((other) => !isNothing(other));
    const [read] = tablesOf(whole.join("\n"));
    if (read?.name === name) return { start, end };
  }
  return undefined;
}

/** Blanks and comments. */
function isNothing(line: string): boolean {
  return /^\s*(#.*)?$/.test(line);
}

function linesOf(text: string): string[] {
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

/** None where the text cannot be read. */
function tablesOf(text: string): Record<string, unknown>[] {
  const apps = parseTomlIfWhole(text)?.apps;
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
  const wanted = parseTomlIfWhole(stringify({ ...parseTomlIfWhole(before), apps: sorted(apps) }));
  const read = parseTomlIfWhole(after);
  const found = { ...read, apps: sorted(tablesOf(after)) };
  if (read !== undefined && Bun.deepEquals(found, { ...wanted, apps: wanted?.apps ?? [] }))
    return after;
  throw usageError(
    `Cannot edit the application "${name}" in machine.toml: it is written in a way that mbctl does not edit`,
    "mbctl machines edit NAME, and write the table [[apps]] yourself",
  );
}
