/**
 * Words of the command line -> typed arguments, by the specs of a verb.
 *
 * The grammar is that of GNU getopt_long with fewer surprises: flags and operands
 * mix; `--flag VALUE`, `--flag=VALUE`, `-n VALUE`, `-nVALUE`, `-vy`; `--` ends the
 * flags, or begins the command of verbs that take one. No abbreviations, and a
 * value that begins with `-` must be joined to its flag with `=`.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { type FlagSpec, flagName, sharedFlags } from "./flags.ts";
import { parseBoolean, parseValue } from "./parse_value.ts";
import { didYouMean } from "./suggest.ts";
import { type OperandSpec, operandLabel, tailOf, type Verb } from "./verb.ts";

/** Values under their keys. */
export interface ParsedArguments {
  /** What the verb defines: its operands, flags and tail. */
  readonly own: Readonly<Record<string, unknown>>;
  /** What it has for being a verb: `verbose`, `root`, `json`… */
  readonly shared: Readonly<Record<string, unknown>>;
}

/** Raw words, sorted out but not yet read. */
export interface SortedWords {
  /** Values of each flag, in order; boolean flags have `true` or `false`, or what stood after `=`. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
  /** What stood after `--`, for verbs that take it. */
  readonly tail: readonly string[];
}

/** All flags of a verb, its own first. */
export function flagsOf(verb: Verb): Readonly<Record<string, FlagSpec>> {
  return { ...verb.flags, ...sharedFlags(verb) };
}

/**
 * Parses the words after the verb's name. Where `--help` is among them, nothing
 * else is demanded or checked: `shared.help` is true and the rest is missing.
 *
 * @throws {MbctlError} kind "usage", and whatever a `parse` of the verb's throws.
 */
export function parseArguments(verb: Verb, words: readonly string[]): ParsedArguments {
  const onlyHelp = { own: {}, shared: { help: true } };
  if (asksForHelp(words)) return onlyHelp;
  const sorted = sortWords(verb, flagsOf(verb), words);
  if (sorted.flags.has("help")) return onlyHelp;
  const read = (specs: Readonly<Record<string, FlagSpec>>) =>
    Object.fromEntries(
      Object.entries(specs).map(([key, spec]) => [
        key,
        readFlag(key, spec, sorted.flags.get(key) ?? []),
      ]),
    );
  const tail = tailOf(verb);
  return {
    own: {
      ...readOperands(verb, sorted.operands),
      ...read(verb.flags),
      ...(tail === undefined ? {} : { [tail]: sorted.tail }),
    },
    shared: read(sharedFlags(verb)),
  };
}

/** Whether `--help` or `-h` stands before any `--`. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

/** Sorts words into flags, operands and the tail. */
function sortWords(
  verb: Verb,
  specs: Readonly<Record<string, FlagSpec>>,
  words: readonly string[],
): SortedWords {
  const flags = new Map<string, string[]>();
  const operands: string[] = [];
  const byName = new Map(Object.keys(specs).map((key) => [`--${flagName(key)}`, key]));
  const byLetter = new Map(
    Object.entries(specs).flatMap(([key, spec]) =>
      spec.short ? [[spec.short, key] as const] : [],
    ),
  );
  const add = (key: string, value: string) => flags.set(key, [...(flags.get(key) ?? []), value]);

  let index = 0;
  const takeNext = (written: string): string => {
    const value = words[++index];
    if (value === undefined || (value.startsWith("-") && value !== "-")) {
      throw usageError(
        `Cannot read flag "${written}": it needs a value`,
        value === undefined
          ? `mbctl ${verb.name} --help`
          : `if the value is "${value}", write ${written.startsWith("--") ? `${written}=${value}` : written + value}`,
      );
    }
    return value;
  };

  for (; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") {
      const rest = words.slice(index + 1);
      if (tailOf(verb) !== undefined) return { flags, operands, tail: rest };
      operands.push(...rest);
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const written = equals < 0 ? word : word.slice(0, equals);
      const key = byName.get(written);
      if (key === undefined) throw unknownFlag(verb, written, byName.keys());
      const isBoolean = specs[key]?.type === "boolean";
      if (equals >= 0) add(key, word.slice(equals + 1));
      else add(key, isBoolean ? "true" : takeNext(written));
    } else if (word.startsWith("-") && word !== "-") {
      for (let letter = 1; letter < word.length; letter++) {
        const written = `-${word[letter]}`;
        const key = byLetter.get(word[letter] ?? "");
        if (key === undefined) throw unknownFlag(verb, written, byName.keys(), word);
        if (specs[key]?.type === "boolean") {
          add(key, "true");
          continue;
        }
        const joined = word.slice(letter + 1);
        add(key, joined === "" ? takeNext(written) : joined.replace(/^=/, ""));
        break;
      }
    } else {
      operands.push(word);
    }
  }
  return { flags, operands, tail: [] };
}

function unknownFlag(verb: Verb, written: string, names: Iterable<string>, word = written) {
  return usageError(
    `Cannot read flag "${written}": ${verb.name} has no such flag`,
    didYouMean(word.startsWith("--") ? word : `-${word}`, names) ??
      `mbctl ${verb.name} --help${behindDashes(verb)}`,
  );
}

/** What the verb takes behind `--`: a word for somebody else may have stood before it. */
function behindDashes({ tail }: Verb): string {
  const [spec] = Object.values(tail);
  return spec === undefined ? "" : `; behind -- stand ${spec.help}`;
}

function readFlag(key: string, spec: FlagSpec, values: readonly string[]): unknown {
  const written = `--${flagName(key)}`;
  const repeats = spec.type === "string" && spec.repeat === true;
  const [first] = values;
  if (values.length > 1 && !repeats && spec.type !== "boolean") {
    throw usageError(`Cannot read flag "${written}": it is given ${values.length} times`);
  }
  if (spec.type === "boolean") {
    const read = new Set(values.map((value) => parseBoolean(written, value)));
    if (read.size > 1)
      throw usageError(`Cannot read flag "${written}": it is given as true and as false`);
    return first === undefined ? (spec.tristate === true ? undefined : false) : read.has(true);
  }
  if (repeats) return values.map((value) => parseValue(written, spec, value));
  if (first !== undefined) return parseValue(written, spec, first);
  return spec.default === undefined ? undefined : parseValue(written, spec, String(spec.default));
}

function readOperands(verb: Verb, words: readonly string[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  let rest = words;
  for (const [key, spec] of Object.entries(verb.operands)) {
    const [first] = rest;
    if (first === undefined && spec.optional !== true) {
      throw usageError(
        `Cannot run "mbctl ${verb.name}": ${operandLabel(key, spec)} is missing`,
        `mbctl ${verb.name} --help`,
      );
    }
    if (spec.repeat === true) {
      result[key] = rest.map((word) => readOperand(key, spec, word));
      rest = [];
    } else {
      result[key] = first === undefined ? undefined : readOperand(key, spec, first);
      rest = rest.slice(1);
    }
  }
  const [extra] = rest;
  if (extra !== undefined) {
    throw usageError(
      `Cannot run "mbctl ${verb.name}": "${extra}" is one word too many`,
      tailOf(verb) === undefined
        ? `mbctl ${verb.name} --help`
        : `put the command after --: mbctl ${[verb.name, ...words.slice(0, -rest.length), "--", ...rest].join(" ")}`,
    );
  }
  return result;
}

function readOperand(key: string, spec: OperandSpec, word: string): unknown {
  return parseValue(operandLabel(key, spec), spec, word);
}
