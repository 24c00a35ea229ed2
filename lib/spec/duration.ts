/**
 * Durations as systemd (systemd.time(7)), podman and Docker write them.
 *
 * @module
 */

import { usageError } from "../errors.ts";

const units: readonly (readonly [name: string, ms: number])[] = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/**
 * Reads `30s`, `1m30s`, `1h`, `500ms`; a bare number is seconds.
 *
 * @returns milliseconds.
 * @throws {MbctlError} (usage)
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s|$)/g)];
  const ms = parts.reduce(
    (sum, [, number, unit]) =>
      sum + Number(number) * (units.find(([name]) => name === unit)?.[1] ?? 1000),
    0,
  );
  const isWhole = text !== "" && parts.map(([part]) => part).join("") === text;
  if (isWhole && Number.isSafeInteger(Math.round(ms))) return Math.round(ms);
  throw usageError(
    `Cannot read the duration ${JSON.stringify(text)}: it is no time`,
    "write it as 30s, 1m30s or 500ms",
  );
}

/** Writes milliseconds; the inverse of {@linkcode parseDuration}. */
export function formatTimeSpan(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${name}`;
    rest -= count * size;
  }
  return text === "" ? "0s" : text;
}
