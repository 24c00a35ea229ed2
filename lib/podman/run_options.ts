/**
 * The one table of the options of `podman run` (4.3 to 5.x) and `docker run` (28).
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { didYouMean } from "../cli/suggest.ts";
import { type Draft, note } from "./draft.ts";
import { convertedOptions } from "./options_app.ts";
import { otherOptions } from "./options_without.ts";
import type { ConvertTools, RunOption } from "./run_option.ts";

/** All but `--name` and `--help`, which are read with the command. */
export const runOptions: readonly RunOption[] = [...convertedOptions, ...otherOptions];

const byName = new Map(
  runOptions.flatMap((option) =>
    [option.name, ...(option.aliases ?? [])].map((name) => [name, option] as const),
  ),
);
const byLetter = new Map(
  runOptions.flatMap((option) =>
    option.short === undefined ? [] : [[option.short, option] as const],
  ),
);

/** The option of a name without dashes, of one letter or more. */
export function findRunOption(name: string): RunOption | undefined {
  return name.length === 1 ? byLetter.get(name) : byName.get(name);
}

/** The same; throws an MbctlError that names the nearest. */
export function requireRunOption(name: string): RunOption {
  const option = findRunOption(name);
  if (option !== undefined) return option;
  const dashes = name.length === 1 ? "-" : "--";
  throw usageError(
    `Cannot convert ${dashes}${name}: neither podman run nor docker run has such an option`,
    didYouMean(
      `--${name}`,
      [...byName.keys(), "name"].map((known) => `--${known}`),
    ),
  );
}

/** An option somebody gave, and how to show it; a secret value is not in it. */
export interface GivenOption {
  readonly option: RunOption;
  readonly value: string;
  readonly written: string;
}

/** Options of files: what is given by itself counts over what stands in them (podman-run(1), Environment). */
const fromFiles = ["env-file", "label-file"];

/** Writes to the draft what becomes of all options; of one that does not repeat, the last counts. */
export function applyRunOptions(
  draft: Draft,
  given: readonly GivenOption[],
  tools: ConvertTools,
): void {
  const isFile = ({ option }: GivenOption) => fromFiles.includes(option.name);
  const inOrder = [...given.filter(isFile), ...given.filter((one) => !isFile(one))];
  inOrder.forEach(({ option, value, written }, index) => {
    const isLast = !inOrder.slice(index + 1).some((later) => later.option === option);
    if (option.repeats || isLast) option.convert(draft, { value, written, tools });
    else note(draft, written, "it is given again, and the last one counts");
  });
}
