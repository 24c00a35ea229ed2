/**
 * Labels: the names of a machine's snapshots.
 *
 * @module
 */

import type { Branded } from "../brand.ts";
import { usageError } from "../errors.ts";

/** The name of one snapshot: letters, digits, `.`, `_` and `-`, 64 at most, a letter or digit first. */
export type Label = Branded<string, "Label">;

const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a text can name a snapshot. */
export function isLabel(text: string): text is Label {
  return pattern.test(text);
}

/** @throws {MbctlError} (usage) for what can name no snapshot. */
export function parseLabel(text: string): Label {
  if (isLabel(text)) return text;
  throw usageError(
    `Cannot use ${JSON.stringify(text)} as the label of a snapshot: letters, digits, ".", "_" and "-" are allowed, 64 at most, a letter or digit first`,
    "choose another label, such as before-the-move",
  );
}

/**
 * A label that no snapshot has yet: the time in UTC, as ISO 8601 writes it without punctuation.
 *
 * @param prefix `before-rollback`, for one that mbctl makes by itself.
 */
export function freeLabel(taken: readonly string[], nowMs: number, prefix?: string): Label {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const label = prefix === undefined ? time : `${prefix}-${time}`;
  for (let n = 1; ; n++) {
    const free = n === 1 ? label : `${label}-${n}`;
    if (!taken.includes(free)) return parseLabel(free);
  }
}
