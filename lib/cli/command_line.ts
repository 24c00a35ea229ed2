/**
 * A line as it stands in a shell, taken apart for completion.
 *
 * @module
 */

/** A command line of bash, as far as it is typed. */
export interface SplitLine {
  /** The words without their quotes; the last one is under the cursor, and may be empty. */
  readonly words: readonly string[];
  /**
   * How many characters at the beginning of the last word bash keeps as they are:
   * readline replaces only what follows the last of COMP_WORDBREAKS, unless the word is quoted.
   */
  readonly dropped: number;
}

/** Splits a line into words: blanks, single and double quotes, backslashes; nothing is expanded. */
export function splitLine(line: string): SplitLine {
  const words: string[] = [];
  let word = "";
  let quote = "";
  let isQuoted = false;
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? "";
    if (character === "\\" && quote !== "'") {
      word += line[++index] ?? "";
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      isQuoted = true;
    } else if (character === " " || character === "\t") {
      if (word !== "" || isQuoted) words.push(word);
      word = "";
      isQuoted = false;
    } else {
      word += character;
    }
  }
  const lastBreak = Math.max(...[":", "=", "@"].map((mark) => word.lastIndexOf(mark)));
  return { words: [...words, word], dropped: isQuoted ? 0 : lastBreak + 1 };
}
