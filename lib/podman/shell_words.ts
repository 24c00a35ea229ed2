/**
 * A command as it stands in documents, split into words as a POSIX shell would (POSIX.1-2024, 2.2 and 2.3):
 * quotes, backslashes, continued lines and comments. Nothing is expanded or run: what would be is an error.
 *
 * @module
 */

import { type MbctlError, usageError } from "../errors.ts";

/**
 * How texts are split: "command" as a shell would; "value" as compose does with `command:` (mattn/go-shellwords),
 * where nothing would ever be expanded: `$`, `~`, `#` and line ends mean nothing there.
 */
export type SplitKind = "command" | "value";

/**
 * Splits one simple command into its words.
 *
 * @throws {MbctlError} (usage) for what a shell would expand (`$VAR`, `$(…)`, `~`), for operators (`;`, `|`, `>`…), for
 * a second command, and for a quote that is not closed.
 */
export function splitShellWords(text: string, kind: SplitKind = "command"): string[] {
  const isCommand = kind === "command";
  const words: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (char === " " || char === "\t" || char === "\r" || (char === "\n" && !isCommand)) {
      endWord();
    } else if (char === "\n") {
      endWord();
      if (words.length > 0 && hasMore(text.slice(at))) throw refuse(text, at, secondCommand);
    } else if (char === "#" && word === undefined && isCommand) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
      continue;
    } else if (char === "\\") {
      const next = text[at + 1];
      if (next === undefined) throw refuse(text, at, "a backslash has nothing behind it");
      // A backslash in front of a line's end joins the lines; documents with CRLF mean the same.
      const isContinued = next === "\n" || text.startsWith("\r\n", at + 1);
      if (!isContinued) word = (word ?? "") + next;
      at += next === "\r" && isContinued ? 2 : 1;
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw refuse(text, at, "a quote (') is not closed");
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      const quoted = doubleQuoted(text, at, isCommand);
      word = (word ?? "") + quoted.value;
      at = quoted.end;
    } else {
      if (isCommand) requirePlain(text, at, word === undefined);
      requireNoOperator(text, at, isCommand);
      word = (word ?? "") + char;
    }
    at++;
  }
  endWord();
  return words;
}

const secondCommand = "a second command follows";
const writeOut = "write out what the shell would put there, or give the words behind --";

/** What stands between double quotes: a backslash is special before `$`, `` ` ``, `"`, itself and a line's end alone. */
function doubleQuoted(
  text: string,
  start: number,
  isCommand: boolean,
): { value: string; end: number } {
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === '"') return { value, end: at };
    if (char === "\\" && /[$`"\\\n]/.test(text[at + 1] ?? "")) {
      at++;
      if (text[at] !== "\n") value += text[at];
      continue;
    }
    // Between double quotes $' is no quote of its own.
    const isSpecial = isCommand && (char === "`" || (char === "$" && text[at + 1] !== "'"));
    if (isSpecial) requirePlain(text, at, false);
    value += char;
  }
  throw refuse(text, start, 'a quote (") is not closed');
}

function requirePlain(text: string, at: number, isFirst: boolean): void {
  const char = text[at] ?? "";
  if (char === "`") throw refuse(text, at, "a shell would run what stands in backquotes", writeOut);
  if (char === "$") {
    const [name] = /^\$(?:\{[^}]*\}?|\(|[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]|'|")?/.exec(
      text.slice(at),
    ) ?? ["$"];
    if (name === "$(") throw refuse(text, at, "a shell would run what stands in $(…)", writeOut);
    if (name !== "$" && name !== '$"')
      throw refuse(text, at, `a shell would expand ${name}`, writeOut);
  }
  if (char === "~" && isFirst) throw refuse(text, at, "a shell would expand ~", writeOut);
}

function requireNoOperator(text: string, at: number, isCommand: boolean): void {
  const char = text[at] ?? "";
  if (!/[;&|<>()]/.test(char) || (!isCommand && /[()]/.test(char))) return;
  const hint = isCommand
    ? "give the one command alone, or quote the word"
    : 'quote the word; for a shell write a list: ["sh", "-c", "…"]';
  throw refuse(text, at, `${char} is for a shell`, hint);
}

/** Whether anything but blanks and comments follows. */
function hasMore(rest: string): boolean {
  return rest.split("\n").some((line) => !/^\s*(#.*)?$/.test(line));
}

function refuse(text: string, at: number, state: string, hint?: string): MbctlError {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  const column = at - before.lastIndexOf("\n");
  return usageError(`Cannot read the command, line ${line}, column ${column}: ${state}`, hint);
}
