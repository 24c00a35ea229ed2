/**
 * What may go to a terminal. Text from images, registries and users can hold
 * control sequences that clear the screen, retitle the window or type for the
 * user; so on a terminal every control character is shown as an escape, and the
 * only colours are those that {@linkcode style} marked.
 *
 * Marks are Unicode noncharacters (U+FDD0…, "for internal use", Unicode 15, 23.7);
 * {@linkcode renderForTerminal} turns them into SGR sequences, or takes them out.
 * So a verb styles text without asking where it goes.
 *
 * @module
 */

import type { TextSink } from "./io.ts";

const MARKS = {
  bold: "\uFDD1",
  dim: "\uFDD2",
  red: "\uFDD3",
  green: "\uFDD4",
  yellow: "\uFDD5",
} as const;
const END = "\uFDD0";

/** ECMA-48 "select graphic rendition" parameters of the marks. */
const SGR: Readonly<Record<string, string>> = {
  [END]: "0",
  [MARKS.bold]: "1",
  [MARKS.dim]: "2",
  [MARKS.red]: "31",
  [MARKS.green]: "32",
  [MARKS.yellow]: "33",
};

export type Style = keyof typeof MARKS;

const ANY_MARK = /[\uFDD0-\uFDEF]/g;

/** Control characters (C0 without tab and line feed, DEL, C1), and those that reorder or hide text. */
const UNSAFE =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Marks text; styles do not nest. */
export function style(name: Style, text: string): string {
  return `${MARKS[name]}${text}${END}`;
}

/** Takes the marks out. */
export function withoutStyles(text: string): string {
  return text.replace(ANY_MARK, "");
}

/** Shows control characters as `\x1b` or `\u202e`; tab and line feed stay. */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** One line: as {@linkcode escapeControls}, and tab and line feed as `\t` and `\n`. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll("\t", "\\t").replaceAll("\n", "\\n");
}

/**
 * Cuts a marked line behind so many columns: a line that wraps could not be erased
 * again by counting lines. Marks take no column, and a style that was begun is ended.
 */
export function clipLine(line: string, columns: number): string {
  if (Bun.stringWidth(withoutStyles(line)) <= columns) return line;
  let result = "";
  let used = 0;
  for (const character of line) {
    const isMark = character >= "\uFDD0" && character <= "\uFDEF";
    used += isMark ? 0 : Bun.stringWidth(character);
    if (used <= columns) result += character;
    else if (character === END) return result + END;
  }
  return result;
}

/** Text with its marks as it may go to a terminal. */
export function renderForTerminal(text: string, hasColors: boolean): string {
  return escapeControls(text).replace(ANY_MARK, (mark) => {
    const sgr = SGR[mark];
    return hasColors && sgr !== undefined ? `\x1b[${sgr}m` : "";
  });
}

/**
 * Whether to use colours: on a terminal, unless NO_COLOR is set to anything but
 * the empty string (no-color.org) or the terminal is "dumb".
 */
function hasColors(
  sink: TextSink,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return sink.isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb";
}

/**
 * A sink for answers: on a terminal as {@linkcode renderForTerminal} makes it; a
 * file or a pipe gets the text as it is, without marks.
 */
export function styledSink(
  sink: TextSink,
  environment: Readonly<Record<string, string | undefined>>,
): TextSink {
  const colors = hasColors(sink, environment);
  return changing(sink, (text) =>
    sink.isTerminal ? renderForTerminal(text, colors) : withoutStyles(text),
  );
}

/**
 * What is made of talk, which is for people wherever it goes: control characters are
 * escaped in a file too, since it will be looked at on a terminal.
 */
export function talkRenderer(
  sink: TextSink,
  environment: Readonly<Record<string, string | undefined>>,
): (text: string) => string {
  const colors = hasColors(sink, environment);
  return (text) => renderForTerminal(text, colors);
}

/** A sink that hands on what `change` makes of the text. */
function changing(sink: TextSink, change: (text: string) => string): TextSink {
  return {
    isTerminal: sink.isTerminal,
    get columns() {
      return sink.columns;
    },
    get rows() {
      return sink.rows;
    },
    write: (text) => sink.write(change(text)),
  };
}
