/**
 * How long to wait before another try.
 *
 * @module
 */

/**
 * Reads the header Retry-After (RFC 9110, 10.2.3): seconds, or a date.
 *
 * @returns undefined when there is none, when it is neither, or in the past.
 */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^[0-9]+$/.test(text)) return Number(text) * 1000;
  // A date has a name of a day; Date.parse() alone would take much else, "-5" for instance.
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined;
  const delay = Date.parse(text) - nowMs;
  return delay > 0 ? delay : undefined;
}

/**
 * The delay before try `count` (1 is the first repetition): it doubles from `firstMs` up to `maxMs`, and
 * is shortened by up to a half at random, so that many clients do not come back in step.
 *
 * @param random from 0 to 1.
 */
export function backoffMs(count: number, firstMs: number, maxMs: number, random: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(count - 1, 30));
  return full * (1 - random / 2);
}
