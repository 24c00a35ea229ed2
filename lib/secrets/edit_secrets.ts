/**
 * Adds, changes and removes `[[secrets]]` in machine.toml by an edit of its text: comments, order and everything
 * else stay as the administrator wrote them. Pure.
 *
 * @module
 */

import { parse, stringify } from "smol-toml";
import { parseTomlIfWhole } from "../config/toml.ts";
import { usageError } from "../errors.ts";
import { formatSecretUse } from "../spec/secret_toml.ts";
import type { SecretName, SecretUse } from "../spec/secret_use.ts";

/** Lines of a text, without their ends. */
interface Block {
  /** The line of the header `[[secrets]]`. */
  readonly header: number;
  /** Behind the last line that sets a key of it. */
  readonly end: number;
}

/**
 * Puts a secret into machine.toml, in the place of what it says of that name.
 *
 * @throws {MbctlError} (usage) when the file is written in a way that this edit does not know.
 */
export function setSecretUse(text: string, use: SecretUse): string {
  const lines = linesOf(text);
  const block = findBlock(lines, use.name);
  const table = formatSecretUse(use);
  if (block === undefined) {
    lines.push(
      ...(lines.at(-1)?.trim() === "" ? [] : [""]),
      "[[secrets]]",
      ...stringify(table).trimEnd().split("\n"),
    );
  } else {
    const left = new Map<string, unknown>(Object.entries(table));
    const kept = lines.slice(block.header + 1, block.end).flatMap((line) => {
      const key = keyOf(line);
      if (key === undefined) return [line];
      const value = left.get(key);
      left.delete(key);
      if (value === undefined) return [];
      // What is the same stays, with its comment.
      return [isSetTo(line, key, value) ? line : formatKey(key, value)];
    });
    const added = [...left].map(([key, value]) => formatKey(key, value));
    lines.splice(block.header + 1, block.end - block.header - 1, ...kept, ...added);
  }
  const result = `${lines.join("\n")}\n`;
  const others = tablesOf(text).filter((other) => other.name !== use.name);
  checkEdit(text, result, use.name, [...others, table]);
  return result;
}

/**
 * Takes a secret out of machine.toml; a text without it stays as it is.
 *
 * @throws {MbctlError} (usage) when the file is written in a way that this edit does not know.
 */
export function removeSecretUse(text: string, name: SecretName): string {
  const tables = tablesOf(text);
  if (!tables.some((table) => table.name === name)) return text;
  const lines = linesOf(text);
  const block = findBlock(lines, name);
  if (block !== undefined) {
    const isAfterBlank = lines[block.header - 1]?.trim() === "";
    const first = isAfterBlank ? block.header - 1 : block.header;
    lines.splice(first, block.end - first);
  }
  const result = `${lines.join("\n")}\n`;
  checkEdit(
    text,
    result,
    name,
    tables.filter((table) => table.name !== name),
  );
  return result;
}

function linesOf(text: string): string[] {
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

/** The `[[secrets]]` of that name. A header inside a text of many lines is no header: checkEdit() finds that out. */
function findBlock(lines: readonly string[], name: string): Block | undefined {
  for (const [header, line] of lines.entries()) {
    if (!/^\s*\[\[\s*secrets\s*\]\]\s*(#.*)?$/.test(line)) continue;
    const next = lines.findIndex((other, index) => index > header && /^\s*\[/.test(other));
    const own = lines.slice(header + 1, next < 0 ? lines.length : next);
    const end = header + 2 + own.findLastIndex((other) => keyOf(other) !== undefined);
    if (own.some((other) => isSetTo(other, "name", name))) return { header, end };
  }
  return undefined;
}

/** The bare key that a line sets. */
function keyOf(line: string): string | undefined {
  return /^\s*([A-Za-z0-9_-]+)\s*=/.exec(line)?.[1];
}

function isSetTo(line: string, key: string, value: unknown): boolean {
  const read = parseTomlIfWhole(line);
  return read !== undefined && key in read && read[key] === value;
}

function formatKey(key: string, value: unknown): string {
  return stringify({ [key]: value }).trimEnd();
}

function tablesOf(text: string): Record<string, unknown>[] {
  const { secrets } = parse(text);
  return Array.isArray(secrets) ? (secrets as Record<string, unknown>[]) : [];
}

/** Reads both texts and wants them to differ by the secrets alone, in whatever order these stand. */
function checkEdit(
  before: string,
  after: string,
  name: SecretName,
  secrets: readonly Record<string, unknown>[],
): void {
  const withSecrets = (table: Record<string, unknown> | undefined, tables: readonly object[]) => ({
    ...table,
    secrets: tables.map((one) => JSON.stringify(Object.entries(one).sort())).sort(),
  });
  const read = parseTomlIfWhole(after);
  const isRight =
    read !== undefined &&
    Bun.deepEquals(withSecrets(read, tablesOf(after)), withSecrets(parse(before), secrets));
  if (isRight) return;
  throw usageError(
    `Cannot edit the secret "${name}" in machine.toml: it is written in a way that mbctl does not edit`,
    "mbctl machines edit NAME, and write the table [[secrets]] yourself",
  );
}
