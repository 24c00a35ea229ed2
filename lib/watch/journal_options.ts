/**
 * journalctl's own options, as they may follow `--` of `machines logs`. What would show other units or
 * machines, or change the journal, is refused: the rest is passed on as it is.
 *
 * @module
 */

import { usageError } from "../errors.ts";

/** journalctl(1): the long options, and whether each wants a value ("attached": only behind an `=`). */
const long: Readonly<Record<string, "none" | "value" | "attached">> = {
  since: "value",
  until: "value",
  grep: "value",
  "case-sensitive": "attached",
  output: "value",
  "output-fields": "value",
  lines: "attached",
  reverse: "none",
  follow: "none",
  "no-tail": "none",
  priority: "value",
  facility: "value",
  identifier: "value",
  "exclude-identifier": "value",
  boot: "attached",
  invocation: "value",
  cursor: "value",
  "after-cursor": "value",
  "show-cursor": "none",
  catalog: "none",
  "no-full": "none",
  full: "none",
  all: "none",
  quiet: "none",
  utc: "none",
  "no-hostname": "none",
  "no-pager": "none",
  "truncate-newline": "none",
};

const short: Readonly<Record<string, string>> = {
  S: "since",
  U: "until",
  g: "grep",
  o: "output",
  n: "lines",
  r: "reverse",
  f: "follow",
  p: "priority",
  t: "identifier",
  T: "exclude-identifier",
  b: "boot",
  c: "cursor",
  x: "catalog",
  l: "full",
  a: "all",
  q: "quiet",
  W: "truncate-newline",
};

/**
 * Checks the words. Matches (`FIELD=value`, `+`) narrow what is shown, and are taken.
 *
 * @throws {MbctlError} (usage) for an option that is not passed on.
 */
export function checkJournalOptions(words: readonly string[]): void {
  let isValue = false;
  for (const word of words) {
    if (isValue || !word.startsWith("-") || word === "-") {
      isValue = false;
      continue;
    }
    isValue = word.startsWith("--") ? checkLong(word) : checkShort(word);
  }
}

/** @returns whether the next word is its value. */
function checkLong(word: string): boolean {
  const [name = "", value] = word.slice(2).split("=", 2);
  // getopt_long(3) also takes what an option begins with: only whole names are sure.
  const kind = Object.hasOwn(long, name) ? long[name] : undefined;
  if (kind === undefined) throw refused(word);
  return kind === "value" && value === undefined;
}

/** Letters may stand together; the first that takes a value takes all that follows. */
function checkShort(word: string): boolean {
  for (const [index, letter] of [...word.slice(1)].entries()) {
    const name = Object.hasOwn(short, letter) ? short[letter] : undefined;
    const kind = name === undefined ? undefined : long[name];
    if (kind === undefined) throw refused(word);
    if (kind !== "none") return kind === "value" && index === word.length - 2;
  }
  return false;
}

function refused(word: string): Error {
  return usageError(
    `Cannot pass ${JSON.stringify(word)} on to journalctl: it is none of the options for one machine's log`,
    `these are: ${Object.keys(long)
      .map((name) => `--${name}`)
      .join(" ")}; for all else there is journalctl itself`,
  );
}
