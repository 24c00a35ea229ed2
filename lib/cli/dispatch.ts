/**
 * Taking a command line apart as far as the table of verbs alone allows: the
 * flags before the verb, the verb's name, and the rest.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { type FlagSpec, flagName, sharedFlags } from "./flags.ts";
import { didYouMean } from "./suggest.ts";
import type { Verb } from "./verb.ts";

/** Names of verbs, and how each is loaded: `"machines pull": () => import("./machines-pull.ts")`. */
export type VerbTable = Readonly<Record<string, () => Promise<{ readonly default: Verb }>>>;

/** The words of a command line, taken apart as far as the table alone allows. */
export interface Dispatch {
  /** Flags before the verb; they are the verb's as if they stood after it. */
  readonly leading: readonly string[];
  /** The verb, where the words name one. */
  readonly name: string | undefined;
  /** What follows the leading flags and the verb's name. */
  readonly rest: readonly string[];
}

/**
 * Finds the verb that words name: three words if they name one, else two, else one.
 * `help machines pull` and `--version` are other ways to write `machines pull --help` and `version`.
 *
 * @throws {MbctlError} kind "usage" for a flag before the verb that no verb has.
 */
export function dispatch(table: VerbTable, words: readonly string[]): Dispatch {
  const leading = leadingFlags(words);
  let rest = words.slice(leading.length);
  if (leading.includes("--version") && "version" in table) {
    return {
      leading: leading.filter((word) => word !== "--version"),
      name: "version",
      rest,
    };
  }
  const [first, ...others] = rest;
  if (first === "help") {
    leading.push("--help");
    rest = others;
  }
  for (const count of [3, 2, 1]) {
    const name = rest.slice(0, count).join(" ");
    if (rest.length >= count && Object.hasOwn(table, name)) {
      return { leading, name, rest: rest.slice(count) };
    }
  }
  return { leading, name: undefined, rest };
}

/** The flags at the beginning, with their values. */
function leadingFlags(words: readonly string[]): string[] {
  const specs: Readonly<Record<string, FlagSpec>> = sharedFlags({
    reads: true,
    changes: true,
    progress: true,
  });
  const leading: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (!word.startsWith("-") || word === "-" || word === "--") break;
    leading.push(word);
    if (!word.startsWith("--") || word === "--version") continue;
    const [written = ""] = word.split("=", 1);
    const found = Object.entries(specs).find(([key]) => `--${flagName(key)}` === written);
    if (found === undefined) {
      throw usageError(
        `Cannot read flag "${written}": it stands before the verb and no verb has it`,
        didYouMean(
          written,
          Object.keys(specs).map((key) => `--${flagName(key)}`),
        ) ?? "mbctl --help",
      );
    }
    if (found[1].type === "boolean" || word !== written) continue;
    const value = words[++index];
    if (value === undefined) {
      throw usageError(`Cannot read flag "${written}": it needs a value`, "mbctl --help");
    }
    leading.push(value);
  }
  return leading;
}
