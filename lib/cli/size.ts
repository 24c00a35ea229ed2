/**
 * Sizes as people type them.
 *
 * @module
 */

import { usageError } from "../errors.ts";

const units = ["", "k", "M", "G", "T"];

/**
 * Reads a size in bytes: `500M`, `1.5GB`, `2GiB`, `4096`. As everywhere in mbctl's
 * talk, `k`, `M`, `G` and `T` are powers of 1000; with an `i` they are powers of 1024.
 *
 * @throws {MbctlError} (usage) saying what is wrong with it.
 */
export function parseSize(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?) ?([kKMGT]?)(i?)B?$/.exec(text);
  const [, number = "", letter = "", binary] = match ?? [];
  const power = units.indexOf(letter === "K" ? "k" : letter);
  const bytes = Math.round(Number(number) * (binary === "i" ? 1024 : 1000) ** power);
  const isSize =
    match !== null && !(binary === "i" && letter === "") && Number.isSafeInteger(bytes);
  if (isSize) return bytes;
  throw usageError(
    `Cannot read the size ${JSON.stringify(text)}: it is no number of bytes`,
    "write it as 500M, 1.5G or 2GiB",
  );
}
