/**
 * What an option of `podman run` or `docker run` is to us.
 *
 * @module
 */

import { type Draft, note, unsupported } from "./draft.ts";

/** What a converter may ask of the world. */
export interface ConvertTools {
  /** The text of a file, by its absolute path; throws an MbctlError where there is none. */
  readonly readText: (path: string) => string;
  /** What is at a path of this host; undefined for nothing, which may still come. */
  readonly kindOf: (path: string) => "folder" | "other" | undefined;
  /** Absolute; relative paths are meant from here. */
  readonly directory: string;
}

/** One option as somebody gave it. */
export interface Given {
  /** `true` or `false` for one that takes no value. */
  readonly value: string;
  /** How to show it, secrets left out: `--dns 1.1.1.1`, `services.web.dns: 1.1.1.1`, `DNS=1.1.1.1`. */
  readonly written: string;
  readonly tools: ConvertTools;
}

/** Writes to the draft what becomes of an option; throws an MbctlError for a value that cannot be read. */
export type Convert = (draft: Draft, given: Given) => void;

export interface RunOption {
  /** Without dashes. */
  readonly name: string;
  /** Its letter. */
  readonly short?: string;
  /** Other names for the same. */
  readonly aliases?: readonly string[];
  /** Without it, the option is a switch: `--rm`, `--rm=false`. */
  readonly takesValue: boolean;
  /** Each one counts; otherwise the last. */
  readonly repeats: boolean;
  /** What of its value is no business of a log: all of it, or what stands behind the equals sign. */
  readonly hides?: "all" | "assigned";
  readonly convert: Convert;
}

type Facts = Partial<Pick<RunOption, "short" | "aliases" | "hides">>;

/** An option of one value, of which the last counts. */
export function oneValue(name: string, convert: Convert, facts: Facts = {}): RunOption {
  return { name, takesValue: true, repeats: false, convert, ...facts };
}

/** An option that may be given several times. */
export function manyValues(name: string, convert: Convert, facts: Facts = {}): RunOption {
  return { name, takesValue: true, repeats: true, convert, ...facts };
}

/** An option without a value; the converter is only asked where it is on. */
export function flag(name: string, convert: Convert, facts: Facts = {}): RunOption {
  const whenOn: Convert = (draft, given) => {
    if (given.value === "true") convert(draft, given);
  };
  return { name, takesValue: false, repeats: false, convert: whenOn, ...facts };
}

/** A converter of what has no equivalent. */
export function without(reason: string): Convert {
  return (draft, { written }) => unsupported(draft, written, reason);
}

/** A converter of what needs none. */
export function harmless(reason: string): Convert {
  return (draft, { written }) => note(draft, written, reason);
}

/** The same, for values that are the default; all others have no equivalent. */
export function only(defaults: readonly string[], reason: string): Convert {
  return (draft, given) => {
    if (!defaults.includes(given.value)) unsupported(draft, given.written, reason);
  };
}

/**
 * An option as it is shown to people: without what is secret in it.
 *
 * @param before how it was written, up to its value: `--dns `, `dns: `, `DNS=`.
 */
export function showOption({ hides }: RunOption, before: string, value: string): string {
  if (hides === "all") return before.trimEnd();
  return `${before}${hides === "assigned" ? value.replace(/=.*$/s, "") : value}`;
}
