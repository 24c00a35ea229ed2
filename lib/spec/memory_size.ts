/**
 * Sizes of memory and disk as systemd (MemoryMax=, systemd.resource-control(5)) and podman (`--memory`) read them:
 * K, M, G and T are powers of 1024.
 *
 * @module
 */

import { usageError } from "../errors.ts";

const units = ["", "K", "M", "G", "T"];

/**
 * Reads `512M`, `2g`, `1.5G`, `4096`; podman's `b` and a trailing `B` or `iB` mean nothing more.
 *
 * @returns bytes, a safe integer above 0.
 * @throws {MbctlError} (usage)
 */
export function parseMemorySize(text: string): number {
  const [, number, letter = ""] = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(number) * 1024 ** units.indexOf(letter.toUpperCase()));
  if (number !== undefined && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw usageError(
    `Cannot read the size ${JSON.stringify(text)}: it is no number of bytes above 0`,
    "write it as 512M or 2G (powers of 1024, as systemd and podman read them)",
  );
}

/** Writes a size in the largest unit that it is a whole number of; the inverse of {@linkcode parseMemorySize}. */
export function formatMemorySize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (unit < units.length - 1 && value % 1024 === 0) {
    value /= 1024;
    unit++;
  }
  return `${value}${units[unit]}`;
}
