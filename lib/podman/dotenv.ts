/**
 * Env files as compose reads them (compose-spec, 05-services.md, env_file): `NAME=VALUE` a line, values with or
 * without quotes, `export` in front, comments.
 *
 * @module
 */

import { MbctlError, usageError } from "../errors.ts";
import { interpolate } from "./interpolate.ts";

/** A variable of an env file; without a value it would be that of compose's caller. */
export interface DotenvEntry {
  readonly name: string;
  readonly value: string | undefined;
  /** Single quotes keep `$` as it is. */
  readonly isLiteral: boolean;
}

/**
 * Reads an env file.
 *
 * @param file its name, for messages.
 * @throws {MbctlError} (usage) with file and line.
 */
export function parseDotenv(text: string, file: string): DotenvEntry[] {
  const entries: DotenvEntry[] = [];
  let at = 0;
  while (at < text.length) {
    const [blank = ""] = /^(?:[ \t]*(?:#[^\n]*)?\r?(?:\n|$))/.exec(text.slice(at)) ?? [];
    if (blank !== "") {
      at += blank.length;
      continue;
    }
    const refuse = (state: string) =>
      usageError(
        `Cannot read ${JSON.stringify(file)}, line ${text.slice(0, at).split("\n").length}: ${state}`,
        "every line is NAME=VALUE, or begins with #",
      );
    const [head = "", name, sign] =
      /^[ \t]*(?:export[ \t]+)?([^\s=:#]+)[ \t]*(?:([=:])[ \t]*|(?=\r?\n|$))/.exec(
        text.slice(at),
      ) ?? [];
    if (name === undefined) throw refuse("it is no variable");
    const value = sign === undefined ? undefined : readValue(text.slice(at + head.length));
    if (typeof value === "string") throw refuse(value);
    entries.push({ name, value: value?.text, isLiteral: value?.isLiteral === true });
    at += head.length + (value?.length ?? 0);
  }
  return entries;
}

interface Value {
  readonly text: string;
  readonly isLiteral: boolean;
  /** How many characters were read. */
  readonly length: number;
}

/** A value; a text says what is wrong with it. */
function readValue(rest: string): Value | string {
  const quote = rest[0];
  if (quote !== "'" && quote !== '"') {
    const [line = ""] = /^[^\n]*/.exec(rest) ?? [];
    const text = line.replace(/(^|[ \t])#.*$/, "").trim();
    return { text, isLiteral: false, length: line.length };
  }
  const [whole, , inner = ""] = /^(['"])((?:\\[\s\S]|(?!\1)[^\\])*)\1/.exec(rest) ?? [];
  if (whole === undefined) return "a quote is not closed";
  const [after] = /^[ \t]*(?:#[^\n]*)?\r?(?=\n|$)/.exec(rest.slice(whole.length)) ?? [];
  if (after === undefined) return "something follows the closing quote";
  const text = inner.replace(/\\([\s\S])/g, (_, char: string) => unescaped(char, quote));
  return { text, isLiteral: quote === "'", length: whole.length + after.length };
}

/** Between single quotes, a backslash means something in front of one alone. */
function unescaped(char: string, quote: string): string {
  const escapes: Readonly<Record<string, string>> =
    quote === "'" ? { "'": "'" } : { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$$" };
  return escapes[char] ?? `\\${char}`;
}

/** A variable of an env file, with the values of others put in. */
export interface Variable {
  readonly name: string;
  readonly value: string | undefined;
  /** Names that had no value, and became nothing. */
  readonly missing: readonly string[];
}

/**
 * Reads an env file and puts values in: those of `known`, and of what stands before in the file.
 *
 * @throws {MbctlError} (usage) with file and line or name.
 */
export function readDotenv(
  text: string,
  file: string,
  known: ReadonlyMap<string, string>,
): Variable[] {
  const values = new Map(known);
  return parseDotenv(text, file).map(({ name, value, isLiteral }) => {
    if (value === undefined) return { name, value, missing: [] };
    const put = isLiteral ? { text: value, missing: [] } : expanded(name, value, file, values);
    values.set(name, put.text);
    return { name, value: put.text, missing: put.missing };
  });
}

function expanded(name: string, value: string, file: string, known: ReadonlyMap<string, string>) {
  try {
    return interpolate(value, known);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    throw usageError(
      `Cannot read ${JSON.stringify(file)}: ${name}: ${error.message}`,
      "single quotes around the value keep a dollar as it is",
    );
  }
}

/**
 * The variables of env files, later over earlier; one may use those before it.
 *
 * @throws {MbctlError} (usage) with file and name; for a variable without a value.
 */
export function readVariables(
  files: readonly { readonly name: string; readonly text: string }[],
): Map<string, string> {
  const variables = new Map<string, string>();
  for (const file of files) {
    for (const { name, value, missing } of readDotenv(file.text, file.name, variables)) {
      const [lacking] = missing;
      if (value !== undefined && lacking === undefined) variables.set(name, value);
      else {
        throw usageError(
          `Cannot read ${JSON.stringify(file.name)}: ${lacking ?? name} has no value`,
          lacking === undefined
            ? `write ${name}=VALUE`
            : "write it above, or keep the dollar with single quotes around the value",
        );
      }
    }
  }
  return variables;
}
