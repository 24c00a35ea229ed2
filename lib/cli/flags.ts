/**
 * The kinds of flag, the values they give, and the flags that every verb has.
 *
 * A flag is defined under its key in camel case; on the command line it is
 * written in kebab case: `networkOnly` is `--network-only`.
 *
 * @module
 */

import { PROGRESS_FORMS } from "./progress.ts";

/** What a word on the command line names; completion offers what fits. */
export type ValueKind =
  | "machine"
  /** Of the machine that stands before it: a snapshot, an application, a machine whose commands it may run, a command it lends. */
  | OfMachine
  | "image"
  | "template"
  | "file"
  | "directory"
  | "choice"
  | "text";

/** What is some machine's. */
export type OfMachine = "snapshot" | "app" | "connector" | "lent-command";

interface FlagFacts {
  /** One line, an explanation: no capital, no full stop. */
  readonly help: string;
  /** One letter: `n` for `-n`. */
  readonly short?: string;
}

/** `--flag`, also `--flag=true` and `--flag=false`; false where it is not given. */
export interface BooleanFlag extends FlagFacts {
  readonly type: "boolean";
  /** Keeps "not given" apart: the value is then undefined. */
  readonly tristate?: boolean;
}

/** `--flag TEXT`. */
export interface StringFlag extends FlagFacts {
  readonly type: "string";
  /** What the value is, for the help page: `DIR`. */
  readonly value: string;
  readonly kind?: ValueKind;
  /** What completion offers beside what the kind finds on the host. */
  readonly suggestions?: readonly string[];
  readonly default?: string;
  /** May be given more than once; the values come in order. */
  readonly repeat?: boolean;
  /** Parses at the border; it throws an MbctlError. Its result is what `run` gets. */
  readonly parse?: (text: string) => unknown;
}

/** `--flag N`: a decimal integer, digits alone with an optional minus, no leading zero. */
export interface IntegerFlag extends FlagFacts {
  readonly type: "integer";
  readonly value: string;
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
}

/** `--flag WORD`, the word being one of a few. */
export interface ChoiceFlag extends FlagFacts {
  readonly type: "choice";
  readonly choices: readonly string[];
  readonly value?: string;
  readonly default?: string;
}

export type FlagSpec = BooleanFlag | StringFlag | IntegerFlag | ChoiceFlag;

type SingleValue<Spec> = Spec extends { type: "integer" }
  ? number
  : Spec extends { type: "choice"; choices: readonly (infer Choice)[] }
    ? Choice
    : Spec extends { parse: (text: string) => infer Value }
      ? Value
      : string;

type FlagValue<Spec> = Spec extends { type: "boolean" }
  ? Spec extends { tristate: true }
    ? boolean | undefined
    : boolean
  : Spec extends { repeat: true }
    ? readonly SingleValue<Spec>[]
    : Spec extends { default: string | number }
      ? SingleValue<Spec>
      : SingleValue<Spec> | undefined;

/** What `run` gets for each flag: undefined where it was not given and has no default. */
export type FlagValues<Specs> = {
  readonly [Key in keyof Specs]: FlagValue<Specs[Key]>;
};

/** Flags of every verb. */
const COMMON_FLAGS = {
  verbose: {
    type: "boolean",
    short: "v",
    help: "say what is done, each command included",
  },
  root: {
    type: "string",
    value: "DIR",
    kind: "directory",
    help: "work on the host whose root is DIR",
    default: "/",
  },
  help: { type: "boolean", short: "h", help: "show this page" },
} as const satisfies Record<string, FlagSpec>;

/** Flags of verbs that read. */
const READ_FLAGS = {
  json: { type: "boolean", help: "answer in JSON" },
} as const satisfies Record<string, FlagSpec>;

/** Flags of verbs that change the host. */
const CHANGE_FLAGS = {
  dryRun: { type: "boolean", help: "show the steps and do nothing" },
  yes: { type: "boolean", short: "y", help: "answer yes to every question" },
} as const satisfies Record<string, FlagSpec>;

/** Flag of verbs that change something or take long. */
const QUIET_FLAG = {
  quiet: { type: "boolean", short: "q", help: "say nothing but warnings and errors" },
} as const satisfies Record<string, FlagSpec>;

/** Flags of verbs that take long. */
const PROGRESS_FLAGS = {
  progress: {
    type: "choice",
    choices: PROGRESS_FORMS,
    value: "FORM",
    default: "auto",
    help: "bars on a terminal, plain lines, or JSON on standard error",
  },
} as const satisfies Record<string, FlagSpec>;

/** Keys that a verb may not define for itself. */
export const RESERVED_FLAGS: readonly string[] = Object.keys({
  ...COMMON_FLAGS,
  ...READ_FLAGS,
  ...CHANGE_FLAGS,
  ...QUIET_FLAG,
  ...PROGRESS_FLAGS,
});

/** The flags that a verb has for being what it is, in the order of the help page. */
export function sharedFlags(verb: {
  readonly reads?: boolean;
  readonly changes?: boolean;
  readonly progress?: boolean;
}): Readonly<Record<string, FlagSpec>> {
  return {
    ...(verb.reads === true ? READ_FLAGS : {}),
    ...(verb.changes === true ? CHANGE_FLAGS : {}),
    ...(verb.changes === true || verb.progress === true ? QUIET_FLAG : {}),
    ...(verb.progress === true ? PROGRESS_FLAGS : {}),
    ...COMMON_FLAGS,
  };
}

/** `networkOnly` as it is typed: `network-only` (without the dashes in front). */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
