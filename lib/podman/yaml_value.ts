/**
 * YAML as people write it: read, with errors that say where; and what is wanted of its values.
 *
 * @module
 */

import { LineCounter, parseDocument, type Scalar, visit } from "yaml";
import { MbctlError, usageError } from "../errors.ts";

/** A value of a document: numbers are texts, as they were written (`1.10` is not `1.1`). */
export type YamlValue = string | boolean | null | readonly YamlValue[] | YamlTable;
export interface YamlTable {
  readonly [key: string]: YamlValue;
}

/** A value, and the way to it, for messages: `services.web.ports`. */
export interface Place {
  readonly file: string;
  readonly path: string;
}

/**
 * Reads a document with anchors and merge keys.
 *
 * @param change what becomes of each text that is a value, before anchors are followed.
 * @throws {MbctlError} (usage) with file, line and column; also for aliases that multiply without end.
 */
export function parseYaml(
  text: string,
  file: string,
  change: (text: string) => string = (same) => same,
): YamlValue {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    merge: true,
    lineCounter,
    prettyErrors: false,
    logLevel: "silent",
  });
  const refuse = (state: string, offset: number | undefined, hint?: string) => {
    const { line, col } = lineCounter.linePos(offset ?? 0);
    return usageError(
      `Cannot read ${JSON.stringify(file)}: line ${line}, column ${col}: ${state}`,
      hint,
    );
  };
  const [wrong] = document.errors;
  if (wrong !== undefined) throw refuse(wrong.message, wrong.pos[0]);
  visit(document, {
    Scalar(key, node: Scalar) {
      if (typeof node.value === "number" || typeof node.value === "bigint") {
        node.value = node.source ?? String(node.value);
      } else if (key !== "key" && typeof node.value === "string") {
        try {
          node.value = change(node.value);
        } catch (error) {
          if (!(error instanceof MbctlError)) throw error;
          throw refuse(error.message, node.range?.[0], error.hint);
        }
      }
    },
  });
  try {
    return document.toJS({ maxAliasCount: 1000 }) as YamlValue;
  } catch (error) {
    throw usageError(
      `Cannot read ${JSON.stringify(file)}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The error for a value that is of another kind. */
export function unexpected({ file, path }: Place, expected: string): MbctlError {
  return usageError(`Cannot convert ${JSON.stringify(file)}: ${path} is not ${expected}`);
}

/** A place below another. */
export function below({ file, path }: Place, key: string | number): Place {
  const name = typeof key === "number" ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
  return { file, path: name };
}

/** A text, a number or a truth value, as text. */
export function textOf(value: YamlValue | undefined, place: Place): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  throw unexpected(place, "a text");
}

/** A truth value; variables make texts of them. */
export function isTrue(value: YamlValue | undefined, place: Place): boolean {
  if (value === true || value === "true") return true;
  if (value === false || value === "false" || value === null || value === undefined) return false;
  throw unexpected(place, "true or false");
}

/** A table; nothing is an empty one. */
export function tableOf(value: YamlValue | undefined, place: Place): YamlTable {
  if (value === null || value === undefined) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as YamlTable;
  throw unexpected(place, "a table");
}

/** A list; nothing is an empty one. */
export function listOf(value: YamlValue | undefined, place: Place): readonly YamlValue[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw unexpected(place, "a list");
}

/** Texts: a list of them, or one alone. */
export function textsOf(value: YamlValue | undefined, place: Place): string[] {
  if (typeof value === "string") return [value];
  return listOf(value, place).map((item, index) => textOf(item, below(place, index)));
}

/** `NAME=VALUE` texts, written as a list of them or as a table; what has no value stands without "=". */
export function assignments(value: YamlValue | undefined, place: Place): string[] {
  if (Array.isArray(value)) return textsOf(value, place);
  return Object.entries(tableOf(value, place)).map(([name, item]) =>
    item === null ? name : `${name}=${textOf(item, below(place, name))}`,
  );
}
