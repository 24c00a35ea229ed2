/**
 * The quoters of the unit files of a booted machine. Each kind of value has its own grammar (systemd's
 * src/basic/extract-word.c, src/shared/exec-util.c and src/basic/env-file.c; all of it tried on 252, 257 and 262):
 *
 * - words of `ExecStart=`: split at blanks, quotes taken off, C escapes read, `%` is a specifier. With the prefix `:` `$` is
 *   an ordinary character.
 * - fields of `BindPaths=`: split at blanks and `:`, quotes taken off, a backslash takes the next character
 *   literally, `%` is a specifier.
 * - plain paths: nothing but `%` is special.
 * - values of an EnvironmentFile=: in double quotes a backslash escapes `"`, `` ` ``, `$` and itself; there are no
 *   specifiers, and a line break is one of the value.
 *
 * @module
 */

import { usageError } from "../errors.ts";

/** Characters that need neither quotes nor escapes as a word. A positive list. */
const bare = /^[A-Za-z0-9_@+=,./:~^-]+$/;

/** C's escapes that systemd knows and that are easier to read than `\x`. */
const escapes: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\\": "\\\\",
  '"': '\\"',
};

/**
 * Writes one word of a command line, for an `ExecStart=` with the prefix `:`.
 *
 * @throws {MbctlError} (usage) for what is no text to systemd.
 */
export function quoteExecWord(word: string): string {
  requireText(word);
  if (bare.test(word)) return word;
  const quoted = word
    .replaceAll("%", "%%")
    // A line of a unit file ends at each of these, and blanks at its end would be cut.
    .replaceAll(/[\0-\x1f\x7f"\\]/g, (char) => escapes[char] ?? hexEscape(char));
  return `"${quoted}"`;
}

/**
 * Writes one path of `BindPaths=` and its kin.
 *
 * @throws {MbctlError} (usage) for a path that no such line can hold.
 */
export function quotePathField(path: string): string {
  requirePath(path);
  return /^[A-Za-z0-9_@+=,./~^-]+$/.test(path)
    ? path
    : `"${path.replaceAll("%", "%%").replaceAll(/["\\]/g, "\\$&")}"`;
}

/**
 * Writes a path that is a whole value: `WorkingDirectory=`. A blank or a backslash at its end is kept by a slash
 * behind it.
 *
 * @throws {MbctlError} (usage) for a path that no such line can hold.
 */
export function formatPath(path: string): string {
  requirePath(path);
  return `${path}${/[ \t\\]$/.test(path) ? "/" : ""}`.replaceAll("%", "%%");
}

/**
 * Wants a path to be one that systemd runs: it refuses those with quotes, backslashes and control characters, however
 * they are written (string_is_safe() in src/basic/string-util.c).
 *
 * @throws {MbctlError} (usage)
 */
export function formatProgramPath(path: string): string {
  requireText(path);
  if (path.startsWith("/") && !/[\0-\x1f\x7f"'\\]/.test(path)) return quoteExecWord(path);
  throw usageError(
    `Cannot run the program ${JSON.stringify(path)}: systemd takes no path with quotes, backslashes or control characters`,
    "name the program in entrypoint by another path",
  );
}

/** Whether systemd passes a variable of this name on: env_name_is_valid() in src/basic/env-util.c. */
export function isSystemdVariable(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/**
 * Writes one line, or more, of an EnvironmentFile=; the value comes through verbatim.
 *
 * @throws {MbctlError} (usage) for what is no text to systemd.
 */
export function formatEnvironmentLine(name: string, value: string): string {
  requireText(value);
  return `${name}="${value.replaceAll(/["\\`$]/g, "\\$&")}"\n`;
}

function hexEscape(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function requirePath(path: string): void {
  requireText(path);
  if (path.startsWith("/") && !/[\n\r]/.test(path)) return;
  throw usageError(
    `Cannot write the path ${JSON.stringify(path)} to a unit: ${path.startsWith("/") ? "it holds a line break" : "it is not absolute"}`,
    "name another path",
  );
}

/** What systemd does not take for UTF-8 it drops without an error, the whole line with it. */
function requireText(text: string): void {
  const state = text.includes("\0")
    ? "it holds a NUL"
    : !text.isWellFormed()
      ? "it holds half a surrogate pair"
      : /\p{Noncharacter_Code_Point}/u.test(text)
        ? "it holds a Unicode noncharacter"
        : undefined;
  if (state === undefined) return;
  throw usageError(
    `Cannot write ${JSON.stringify(text)} to a unit: ${state}`,
    "systemd takes valid UTF-8 alone",
  );
}
