/**
 * os-release(5), as far as it names the system to people.
 *
 * @module
 */

import { parse } from "ini";

/** Longest name that is shown. */
const maxLength = 60;

/**
 * The name of the system: PRETTY_NAME, else NAME, else `Linux`, as os-release(5) has them.
 *
 * @param text Latin-1, one character for each byte, as layers give it.
 */
export function systemName(text: string): string {
  const { PRETTY_NAME, NAME } = parse(Buffer.from(text, "latin1").toString());
  const name = [PRETTY_NAME, NAME].find((value) => typeof value === "string" && value !== "");
  return String(name ?? "Linux")
    .replaceAll(/\s+/g, " ")
    .slice(0, maxLength);
}
