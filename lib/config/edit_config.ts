/**
 * Sets a value in config.toml or machine.toml by an edit of its text: comments, order and everything else stay
 * as the administrator wrote them.
 *
 * @module
 */

import { parse } from "smol-toml";
import { usageError } from "../errors.ts";
import { parseTomlIfWhole } from "./toml.ts";

/** What can be set. */
type Value = string | boolean | readonly string[];

/**
 * Sets `key` to a string, a boolean or a list, at the top or in a table `[table]`. A value that is there is replaced; a new one goes
 * behind the comment `#key = …` that shows its default, if there is one, else behind the last key of its table.
 *
 * @param text the file's content; undefined when there is no file.
 * @throws {MbctlError} (usage) when the file is written in a way that this edit does not know (`hosts = {…}`,
 * `hosts.b = …`): nothing but the one value may change.
 */
export function setConfigValue(
  text: string | undefined,
  key: string,
  value: Value,
  table?: string,
): string {
  const lines = (text ?? "").split("\n");
  const line = `${/^[A-Za-z0-9_-]+$/.test(key) ? key : quote(key)} = ${formatValue(value)}`;
  const { first, end, isThere } = extentOf(lines, table);
  const own = lines.slice(first, end);
  const isKey = (candidate: string) => isThere && keyOf(candidate) === key;
  const present = own.findIndex(isKey);
  const shown = own.findLastIndex((candidate) => isKey(candidate.replace(/^#\s*/, "")));
  if (present >= 0) {
    const count = Array.isArray(value) ? listLines(own.slice(present)) : 1;
    const comment = valueAndComment.exec(own[present + count - 1] ?? "");
    lines.splice(first + present, count, line + (comment?.[1] ?? ""));
  } else if (shown >= 0) {
    lines.splice(first + shown + 1, 0, line);
  } else {
    const last = own.findLastIndex((candidate) => candidate.trim() !== "");
    const block = isThere ? [line] : [...(last >= 0 ? [""] : []), `[${table}]`, line];
    lines.splice(first + last + 1, 0, ...block);
  }
  const edited = lines.join("\n");
  const result = edited.endsWith("\n") ? edited : `${edited}\n`;
  checkEdit(text ?? "", result, key, value, table);
  return result;
}

/** A value as it ends a line, and the comment behind it. */
const valueAndComment =
  /^(?:[^#"']*=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|true|false)|(?:[^#"']|"(?:[^"\\]|\\.)*"|'[^']*')*\])(\s*#.*)$/;

/** How many lines a list takes that begins in the first of them; 1 for what is no list. */
function listLines(lines: readonly string[]): number {
  const count = lines.findIndex(
    (_, index) => parseTomlIfWhole(lines.slice(0, index + 1).join("\n")) !== undefined,
  );
  return Math.max(0, count) + 1;
}

/** The lines of a table, without its header; the whole text where the table is not there. */
function extentOf(lines: readonly string[], table: string | undefined) {
  const headers = lines.flatMap((line, index) => (/^\s*\[/.test(line) ? [index] : []));
  if (table === undefined) return { first: 0, end: headers[0] ?? lines.length, isThere: true };
  const header = headers.find((index) => nameOfTable(lines[index] ?? "") === table);
  if (header === undefined) return { first: 0, end: lines.length, isThere: false };
  const next = headers.find((index) => index > header) ?? lines.length;
  return { first: header + 1, end: next, isThere: true };
}

function nameOfTable(line: string): string | undefined {
  return /^\s*\[\s*"?([A-Za-z0-9_-]+)"?\s*\]\s*(#.*)?$/.exec(line)?.[1];
}

/** The key that a line sets, bare or quoted. */
function keyOf(line: string): string | undefined {
  const found = /^\s*(?:([A-Za-z0-9_-]+)|"([^"\\]*)"|'([^']*)')\s*=/.exec(line);
  return found?.[1] ?? found?.[2] ?? found?.[3];
}

function formatValue(value: Value): string {
  if (typeof value === "boolean") return String(value);
  return typeof value === "string" ? quote(value) : `[${value.map(quote).join(", ")}]`;
}

/** A basic string of TOML: its escapes are those of JSON, and DEL must be escaped as well. */
function quote(value: string): string {
  return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
}

/** Reads both texts and wants them to differ by the one value. */
function checkEdit(
  before: string,
  after: string,
  key: string,
  value: Value,
  table: string | undefined,
): void {
  const wanted = parse(before);
  if (table !== undefined && !(table in wanted)) wanted[table] = {};
  const place = table === undefined ? wanted : wanted[table];
  if (isTable(place)) {
    place[key] = typeof value === "object" ? [...value] : value;
    if (Bun.deepEquals(wanted, parseTomlIfWhole(after))) return;
  }
  const name = table === undefined ? key : `${table}.${key}`;
  throw usageError(
    `Cannot set ${name} in config.toml: it is written in a way that mbctl does not edit`,
    `write ${table === undefined ? "" : `below [${table}] `}${key} = ${formatValue(value)} yourself`,
  );
}

function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  // smol-toml's tables have no prototype; dates and lists have.
  return [null, Object.prototype].includes(Object.getPrototypeOf(value));
}
