/**
 * A verb is typed data: its operands, flags and examples, and one function that
 * gets a context and the parsed arguments. Parsing, help and completion are all
 * read from this one value, so they cannot disagree.
 *
 * ```ts
 * export default defineVerb({
 *   name: "machines logs",
 *   summary: "show the journal of a machine",
 *   operands: { name: { kind: "machine", help: "the machine" } },
 *   flags: {
 *     follow: { type: "boolean", short: "f", help: "wait for new lines" },
 *     lines: { type: "integer", short: "n", value: "N", min: 0, help: "how many lines" },
 *   },
 *   examples: [{ command: "mbctl machines logs web -n 5", says: "the last five lines" }],
 *   async run(context, { name, follow, lines }) { … },
 * });
 * ```
 *
 * @module
 */

import type { VerbContext } from "./context.ts";
import {
  type FlagSpec,
  type FlagValues,
  RESERVED_FLAGS,
  sharedFlags,
  type ValueKind,
} from "./flags.ts";

/** One positional argument. The key under which it stands is shown in capitals: `newName` is `NEW-NAME`. */
export interface OperandSpec {
  /** What the word names: steers completion only. */
  readonly kind: ValueKind;
  readonly help: string;
  /** How it is shown, where its key in capitals does not do: `NAME` for `names`. */
  readonly label?: string;
  /** May be left out; only operands at the end may. */
  readonly optional?: boolean;
  /** Takes all that follows; only the last operand may. One at least, unless `optional`. */
  readonly repeat?: boolean;
  /** The only words accepted. */
  readonly choices?: readonly string[];
  /** Parses at the border; it throws an MbctlError. Its result is what `run` gets. */
  readonly parse?: (text: string) => unknown;
}

/** What stands after `--`, passed on as it is: a command line to run. */
export interface TailSpec {
  readonly help: string;
}

/** A command line to learn from, and what it does, in a few words. */
export interface Example {
  readonly command: string;
  readonly says: string;
}

export type OperandSpecs = Readonly<Record<string, OperandSpec>>;
export type FlagSpecs = Readonly<Record<string, FlagSpec>>;
export type TailSpecs = Readonly<Record<string, TailSpec>>;

type ParsedValue<Spec> = Spec extends { parse: (text: string) => infer Value }
  ? Value
  : Spec extends { choices: readonly (infer Choice)[] }
    ? Choice
    : string;

/** What `run` gets for each operand. */
export type OperandValues<Specs> = {
  readonly [Key in keyof Specs]: Specs[Key] extends { repeat: true }
    ? readonly ParsedValue<Specs[Key]>[]
    : Specs[Key] extends { optional: true }
      ? ParsedValue<Specs[Key]> | undefined
      : ParsedValue<Specs[Key]>;
};

/** The words after `--`; empty where none were given. */
export type TailValues<Specs> = {
  readonly [Key in keyof Specs]: readonly string[];
};

/** All that `run` gets, under the keys of the definition. */
export type VerbArguments<Operands, Flags, Tail> = OperandValues<Operands> &
  FlagValues<Flags> &
  TailValues<Tail>;

interface VerbFacts {
  /** The words to type after `mbctl`, one or two: `version`, `machines pull`. */
  readonly name: string;
  /** One line for lists of verbs: an imperative, no capital, no full stop. */
  readonly summary: string;
  /** More, shown in the verb's own help only; paragraphs are separated by an empty line. */
  readonly description?: string;
  /** Answers a question: gets `--json`. */
  readonly reads?: boolean;
  /** Changes the host: gets `--dry-run`, `--yes` and `--quiet`. */
  readonly changes?: boolean;
  /** Takes long, and tells how far it is: gets `--progress` and `--quiet`. */
  readonly progress?: boolean;
  /**
   * The verb hands its terminal to another program and lets that program answer
   * Ctrl-C: the signal is ignored here instead of ending the work.
   */
  readonly ownsSignals?: boolean;
  readonly examples: readonly Example[];
}

/**
 * What `run` may resolve to: nothing (exit code 0), or the exit code itself, for
 * verbs that pass on the code of a command that they ran.
 */
export type VerbResult = undefined | number;

/** The definition that {@linkcode defineVerb} takes. */
export interface VerbDefinition<Operands, Flags, Tail> extends VerbFacts {
  readonly operands?: Operands;
  readonly flags?: Flags;
  /** At most one entry; its key names the words after `--`. */
  readonly tail?: Tail;
  readonly run: (
    context: VerbContext,
    args: VerbArguments<Operands, Flags, Tail>,
  ) => Promise<VerbResult> | VerbResult;
}

/** A verb with the types of its arguments taken off, as the dispatcher sees it. */
export interface Verb extends VerbFacts {
  readonly operands: OperandSpecs;
  readonly flags: FlagSpecs;
  readonly tail: TailSpecs;
  /** `args` must come from {@linkcode parseArguments} of this very verb. */
  readonly run: (
    context: VerbContext,
    args: Readonly<Record<string, unknown>>,
  ) => Promise<VerbResult> | VerbResult;
}

/**
 * Makes a verb of its definition; the types of `args` follow from it.
 *
 * @throws {TypeError} for a definition that contradicts itself (a bug, found when
 * the verb is first loaded).
 */
export function defineVerb<
  const Operands extends OperandSpecs = Readonly<Record<never, never>>,
  const Flags extends FlagSpecs = Readonly<Record<never, never>>,
  const Tail extends TailSpecs = Readonly<Record<never, never>>,
>(definition: VerbDefinition<Operands, Flags, Tail>): Verb {
  const verb: Verb = {
    ...definition,
    operands: definition.operands ?? {},
    flags: definition.flags ?? {},
    tail: definition.tail ?? {},
    // The parser builds its result from the very specs that Args is computed from.
    run: (context, args) => definition.run(context, args as VerbArguments<Operands, Flags, Tail>),
  };
  checkDefinition(verb);
  return verb;
}

/** The tail's key, where the verb takes one. */
export function tailOf(verb: Verb): string | undefined {
  return Object.keys(verb.tail)[0];
}

/** `newName` as an operand is shown: `NEW-NAME`. */
export function operandLabel(key: string, spec?: OperandSpec): string {
  if (spec?.label !== undefined) return spec.label;
  return key.replace(/[A-Z]/g, (letter) => `-${letter}`).toUpperCase();
}

function checkDefinition(verb: Verb): void {
  const complain = (what: string) => {
    throw new TypeError(`Cannot define verb "${verb.name}": ${what}`);
  };
  if (!/^[a-z0-9]+( [a-z0-9]+)?( [a-z0-9]+(-[a-z0-9]+)?)?$/.test(verb.name))
    complain("its name is not one to three words");
  const keys = [
    ...Object.keys(verb.operands),
    ...Object.keys(verb.flags),
    ...Object.keys(verb.tail),
  ];
  if (new Set(keys).size < keys.length) complain("two arguments have the same key");
  for (const key of Object.keys(verb.flags)) {
    if (RESERVED_FLAGS.includes(key)) complain(`the flag ${key} belongs to every verb`);
  }
  const letters = Object.values({
    ...verb.flags,
    ...sharedFlags(verb),
  }).flatMap((spec) => (spec.short === undefined ? [] : [spec.short]));
  if (new Set(letters).size < letters.length) complain("two flags have the same letter");
  if (Object.keys(verb.tail).length > 1) complain("it has two tails");
  const specs = Object.values(verb.operands);
  specs.forEach((spec, index) => {
    const isLast = index === specs.length - 1;
    if (spec.repeat === true && !isLast) complain("an operand follows a repeated one");
    if (spec.optional === true && specs[index + 1]?.optional === undefined && !isLast) {
      complain("a needed operand follows an optional one");
    }
  });
}
