/**
 * The one quoter for POSIX sh words (POSIX.1-2024, 2.2 Quoting): every log line
 * that a person may paste, and every command string that we hand to a shell.
 *
 * Inside single quotes nothing is special but the single quote itself, in dash,
 * busybox sh and bash alike; so that is the only quoting used.
 *
 * @module
 */
import { usageError } from "../errors.ts";

/** Words of these characters alone mean themselves in every POSIX shell. `~` is not among them. */
const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;
/** As a command's first word this would be an assignment. */
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;
/** Reserved words (POSIX 2.4, and bash's own), special only where a command's name is expected. */
const RESERVED = new Set(
  "case do done elif else esac fi for if in then until while function select time coproc".split(
    " ",
  ),
);

/**
 * Quotes one word so that a shell reads back exactly `word`. Words from a safe set
 * stay bare, since logs are for people; an empty word is `''`.
 *
 * @throws MbctlError (usage) when the word holds a NUL: no program can be given one
 *
 * @example
 * quoteWord("it's") // 'it'\''s'
 */
export function quoteWord(word: string): string {
  if (SAFE.test(word) && !ASSIGNMENT.test(word) && !RESERVED.has(word)) return word;
  return quoteAlways(word);
}

/** Quotes the words of a command, joined by blanks: one paste-able line unless a word holds a line break. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

/**
 * The same, but always one line, for logs: a word with a line break is written
 * through printf(1). Only a word that ends in a line break stays on several
 * lines, because a shell cuts that off what a command prints.
 */
export function quoteLine(words: readonly string[]): string {
  return words
    .map((word) => (/\n/.test(word) && !word.endsWith("\n") ? printed(word) : quoteWord(word)))
    .join(" ");
}

/** `"$(printf %b '…')"`: of %b's escapes (POSIX, printf) only the backslash and the line break are used. */
function printed(word: string): string {
  return `"$(printf %b ${quoteAlways(word.replaceAll("\\", "\\\\").replaceAll("\n", "\\n"))})"`;
}

function quoteAlways(word: string): string {
  if (word.includes("\0")) {
    throw usageError(`Cannot quote ${JSON.stringify(word)} for a shell: it holds a NUL`);
  }
  return `'${word.replaceAll("'", "'\\''")}'`;
}
