/**
 * `--lend COMMAND[=WORDS]`: a command that others may run. Pure.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { isCommandName } from "./lent_commands.ts";

/** A command, and the words that it runs. */
export type LendOption = readonly [command: string, words: readonly string[]];

/**
 * Reads the flag: `nginx`, `psql=/usr/bin/psql -U postgres`, or a list of JSON, `psql=["psql", "-U", "my user"]`.
 *
 * @throws {MbctlError} (usage) for a name that no file may have, and for words that need quotes.
 */
export function parseLend(text: string): LendOption {
  const at = text.indexOf("=");
  const [command, value] = at < 0 ? [text, text] : [text.slice(0, at), text.slice(at + 1)];
  const cannot = `Cannot lend ${JSON.stringify(text)}`;
  if (!isCommandName(command)) {
    throw usageError(
      `${cannot}: ${JSON.stringify(command)} is no name of a command`,
      'use up to 64 letters, digits, "_", "-", "." and "+": --lend psql=/usr/bin/psql',
    );
  }
  const words = value.trimStart().startsWith("[") ? jsonWords(value) : plainWords(value);
  if (words !== undefined && words.length > 0 && words[0] !== "") return [command, words];
  throw usageError(
    `${cannot}: its words cannot be read`,
    `a list of JSON takes any: --lend '${command}=["PROGRAM", "a word"]'`,
  );
}

function jsonWords(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((word) => typeof word === "string");
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where somebody expects a shell. */
function plainWords(text: string): string[] | undefined {
  return /["'\\$`]/.test(text) ? undefined : text.split(/\s+/).filter(Boolean);
}
