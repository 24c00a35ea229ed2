/**
 * Values of unit files: words (systemd.syntax(7), Quoting), truth values, times (systemd.time(7)).
 *
 * @module
 */

import { usageError } from "../errors.ts";

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  s: " ",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/**
 * Splits a value at blanks; quotes are taken off, escapes are C's.
 *
 * @throws {MbctlError} (usage) when a quote is not closed.
 */
export function splitSystemdWords(value: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < value.length; at++) {
    const char = value[at] ?? "";
    if (char === "\\") {
      const escaped = readEscape(value.slice(at + 1));
      word = (word ?? "") + escaped.text;
      at += escaped.length;
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word = (word ?? "") + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (/[ \t\n\r]/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") {
    // Without the value: it may be a password.
    throw usageError(`Cannot split a value into words: a quote (${quote}) is not closed`);
  }
  if (word !== undefined) words.push(word);
  return words;
}

function readEscape(rest: string): { text: string; length: number } {
  const [whole = "", hex, octal, unicode] =
    /^(?:x([0-9a-f]{2})|([0-7]{3})|u([0-9a-f]{4}))/i.exec(rest) ?? [];
  const code = hex ?? unicode;
  if (code !== undefined)
    return { text: String.fromCharCode(Number.parseInt(code, 16)), length: whole.length };
  if (octal !== undefined)
    return { text: String.fromCharCode(Number.parseInt(octal, 8)), length: 3 };
  const [char = ""] = rest;
  const known = escapes[char];
  // What is no escape stays, as systemd warns and does.
  return known === undefined ? { text: "\\", length: 0 } : { text: known, length: 1 };
}

/** `yes`, `true`, `on`, `1` and their opposites. */
export function parseSystemdBoolean(text: string): boolean {
  if (/^(1|yes|y|true|t|on)$/i.test(text)) return true;
  if (/^(0|no|n|false|f|off)$/i.test(text)) return false;
  throw usageError(`Cannot read ${JSON.stringify(text)}: it is neither yes nor no`);
}

const seconds: readonly (readonly [names: RegExp, seconds: number])[] = [
  [/^(us|usec|µs)$/, 1e-6],
  [/^(ms|msec)$/, 1e-3],
  [/^(|s|sec|seconds?)$/, 1],
  [/^(m|min|minutes?)$/, 60],
  [/^(h|hr|hours?)$/, 3600],
  [/^(d|days?)$/, 86_400],
];

/** A time span in seconds: `90`, `1min 30s`; undefined for `infinity`. */
export function parseTimeSpan(text: string): number | undefined {
  if (text === "infinity") return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµ]*)\s*/g)];
  const whole = parts.map(([part]) => part).join("") === text && text !== "";
  const sum = parts.reduce((total, [, number, unit = ""]) => {
    const factor = seconds.find(([names]) => names.test(unit))?.[1] ?? Number.NaN;
    return total + Number(number) * factor;
  }, 0);
  if (whole && Number.isFinite(sum)) return sum;
  throw usageError(
    `Cannot read the time ${JSON.stringify(text)}: it is none`,
    "write it as 90s or 1min 30s",
  );
}
