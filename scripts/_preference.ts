/** `--ours` and `--theirs`: who is right where two changed the same entry of a file. */

import type { FlagSpecs } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import type { Preference } from "../lib/merge/outcomes.ts";

export const preferenceFlags = {
  ours: { type: "boolean", help: "where you and mbctl changed the same entry, yours counts" },
  theirs: { type: "boolean", help: "there, what mbctl renders counts" },
} as const satisfies FlagSpecs;

/**
 * Whose entry counts; undefined where nobody said, and such an entry is an error.
 *
 * @throws {MbctlError} (usage) when both are given.
 */
export function givenPreference({
  ours,
  theirs,
}: Readonly<Record<"ours" | "theirs", boolean>>): Preference | undefined {
  if (ours && theirs) {
    throw usageError("Cannot use --ours and --theirs at once", "leave one of them out");
  }
  if (ours) return "ours";
  return theirs ? "theirs" : undefined;
}
