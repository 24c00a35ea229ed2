/**
 * MAN8S_APPLICATION_ARGS: the words of the application's command line, on one
 * line for sh to parse. The env file has no escapes, so a line break cannot stand in
 * it: it is written as `"$MAN8S_NEWLINE"` between quoted parts, and man8s-init
 * defines that variable. The administrator may write `$PORT` in the line by hand.
 *
 * @module
 */
import { quoteWord } from "./posix_sh.ts";

/** The shell variable that holds a line break where the line is evaluated. */
const NEWLINE_VARIABLE = "MAN8S_NEWLINE";

/**
 * Formats arguments so that `eval "set -- $line"` gives exactly `words` back.
 *
 * @throws MbctlError (usage) when a word holds a NUL
 *
 * @example
 * formatApplicationArgs(["nginx", "-g", "daemon off;"]) // nginx -g 'daemon off;'
 * formatApplicationArgs(["a\nb"]) // a"$MAN8S_NEWLINE"b
 */
export function formatApplicationArgs(words: readonly string[]): string {
  return words.map(formatWord).join(" ");
}

function formatWord(word: string): string {
  if (!word.includes("\n")) return quoteWord(word);
  return word
    .split("\n")
    .map((part) => (part === "" ? "" : quoteWord(part)))
    .join(`"$${NEWLINE_VARIABLE}"`);
}
