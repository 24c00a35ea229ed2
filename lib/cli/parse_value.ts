/**
 * One word of the command line -> one value.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import type { FlagSpec } from "./flags.ts";
import { didYouMean } from "./suggest.ts";
import type { OperandSpec } from "./verb.ts";

/** Decimal digits with an optional minus; a leading zero is refused, since some tools take it for octal. */
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;

/**
 * Reads a word by its spec.
 *
 * @param written how the user knows the value: `--lines`, or `IMAGE`.
 * @throws {MbctlError} kind "usage", or what the spec's own `parse` throws.
 */
export function parseValue(written: string, spec: FlagSpec | OperandSpec, text: string): unknown {
  if ("type" in spec && spec.type === "integer") return parseInteger(written, spec, text);
  if ("choices" in spec && spec.choices !== undefined)
    return parseChoice(written, spec.choices, text);
  return "parse" in spec && spec.parse !== undefined ? spec.parse(text) : text;
}

/** `true` or `false`, as in `--flag=false`. */
export function parseBoolean(written: string, text: string): boolean {
  if (text === "true") return true;
  if (text === "false") return false;
  throw usageError(`Cannot read ${written} "${text}": it is neither true nor false`);
}

function parseInteger(
  written: string,
  spec: { readonly min?: number; readonly max?: number },
  text: string,
): number {
  const value = INTEGER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw usageError(`Cannot read ${written} "${text}": it is no decimal integer`);
  }
  const { min = -Infinity, max = Infinity } = spec;
  if (value < min) throw usageError(`Cannot read ${written} "${text}": the least is ${min}`);
  if (value > max) throw usageError(`Cannot read ${written} "${text}": the most is ${max}`);
  return value;
}

function parseChoice(written: string, choices: readonly string[], text: string): string {
  if (choices.includes(text)) return text;
  throw usageError(
    `Cannot read ${written} "${text}": it is none of ${choices.join(", ")}`,
    didYouMean(text, choices),
  );
}
