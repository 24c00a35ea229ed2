/**
 * The quoters of the `.nspawn` grammar. It has three kinds of value, and each
 * kind quotes in its own way (systemd's src/nspawn/nspawn-settings.c; all of it tried on 252, 257 and 262):
 *
 * - word lists (`Environment=`, `Parameters=`): split at blanks, `'…'` and `"…"` taken off, also in
 *   mid-word; a backslash, `%` and `$` are ordinary characters (EXTRACT_UNQUOTE | EXTRACT_RETAIN_ESCAPE).
 *   So `\n` stays two characters, and `"a\"b"` breaks the line.
 * - colon fields (`Bind=`): split at `:`, a backslash takes the next character literally, quotes are ordinary.
 * - plain text (`WorkingDirectory=`): nothing is special, but blanks at both ends are cut.
 *
 * Under all three, a line ends at LF or CR, must be valid UTF-8, and goes on if it ends in an odd number of backslashes.
 *
 * @module
 */
import { usageError } from "../errors.ts";

/** Words that need no quotes. A positive list: what is not on it gets quoted, needed or not. */
const BARE = /^[A-Za-z0-9_@%+=:,./$~*?!#&|<>(){}[\]^-]+$/;

/**
 * Quotes one word of a word list.
 *
 * @throws MbctlError (usage) for what no `.nspawn` file can hold: a line feed, a carriage return, a
 * NUL, half a surrogate pair, a Unicode noncharacter
 */
export function quoteNspawnWord(word: string): string {
  checkLine(word);
  if (BARE.test(word)) return word;
  if (!word.includes('"')) return `"${word}"`;
  if (!word.includes("'")) return `'${word}'`;
  // Each quote stands in quotes of the other kind; neighbours join to one word.
  return `"${word.replaceAll('"', `"'"'"`)}"`;
}

/** Quotes the words of a list; `splitNspawnWords()` is the inverse. */
export function quoteNspawnWords(words: readonly string[]): string {
  return words.map(quoteNspawnWord).join(" ");
}

/** Blanks that systemd splits at; other Unicode spaces are ordinary. */
const BLANK = /[ \t\n\r]/;

/**
 * Splits a word list as systemd does (extract_first_word with EXTRACT_UNQUOTE | EXTRACT_RETAIN_ESCAPE).
 *
 * @throws MbctlError (usage) when a quote is not closed
 */
export function splitNspawnWords(value: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (const char of value) {
    if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (BLANK.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") {
    throw usageError(
      `Cannot split ${JSON.stringify(value)} into words: a quote (${quote}) is not closed`,
    );
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Escapes one path for a colon field of `Bind=`: `\` and `:` get a backslash, all else is ordinary there. */
export function escapeBindField(path: string): string {
  checkAbsolute(path);
  return path.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

/** Splits colon fields; a backslash takes the next character literally. */
export function splitBindFields(value: string): string[] {
  const fields: string[] = [""];
  let isEscaped = false;
  for (const char of value) {
    if (!isEscaped && char === ":") {
      fields.push("");
      continue;
    }
    if (!isEscaped && char === "\\") {
      isEscaped = true;
      continue;
    }
    isEscaped = false;
    fields[fields.length - 1] += char;
  }
  return fields;
}

/**
 * Writes a path for a plain-text value such as `WorkingDirectory=`. A blank or a backslash at its
 * end is kept by a slash behind it: systemd cuts the blank, joins the next line, and takes a trailing slash off.
 */
export function formatPlainPath(path: string): string {
  checkAbsolute(path);
  return /[ \t\\]$/.test(path) ? `${path}/` : path;
}

/** Checks a value that is written as it is: a bridge name, a signal, `pick`. */
export function formatPlainText(text: string): string {
  checkLine(text);
  if (text === "" || text.trim() !== text || text.endsWith("\\")) {
    throw usageError(
      `Cannot write ${JSON.stringify(text)} to an nspawn file: ${text === "" ? "it is empty" : "systemd would not read back its ends"}`,
    );
  }
  return text;
}

function checkAbsolute(path: string): void {
  if (!path.startsWith("/")) {
    throw usageError(
      `Cannot write the path ${JSON.stringify(path)} to an nspawn file: it is not absolute`,
    );
  }
  checkLine(path);
}

function checkLine(text: string): void {
  const state = text.includes("\n")
    ? "it holds a line break"
    : text.includes("\r")
      ? "it holds a carriage return"
      : text.includes("\0")
        ? "it holds a NUL"
        : !text.isWellFormed()
          ? "it holds half a surrogate pair"
          : /\p{Noncharacter_Code_Point}/u.test(text)
            ? "it holds a Unicode noncharacter, and systemd then drops the line"
            : undefined;
  if (state !== undefined) {
    throw usageError(`Cannot write ${JSON.stringify(text)} to an nspawn file: ${state}`);
  }
}
