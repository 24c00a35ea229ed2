/**
 * Image references as file names. Completion reads the names alone
 * (lib/cli/completion_sources.ts has the same rule).
 *
 * @module
 */

import { digestOf } from "../image/digest.ts";
import { digestFileName } from "./paths.ts";

const ending = ".json";
/** NAME_MAX is 255 bytes; some is left for names of staging. */
const longestName = 240;

/**
 * The name of a reference's file: what a file name or a shell would not like is
 * percent-encoded, and what would be too long is named by its digest.
 */
export function referenceFileName(reference: string): string {
  const name = [...Buffer.from(reference)].map(encodeByte).join("");
  const short = name.length <= longestName ? name : digestFileName(digestOf(reference));
  return `${short}${ending}`;
}

/** The reference of such a name; undefined where the name does not tell it. */
export function referenceOfFileName(file: string): string | undefined {
  if (!file.endsWith(ending)) return undefined;
  const name = file.slice(0, -ending.length);
  // Every complete reference has a tag, a digest or a transport, and so a ":".
  if (!name.includes(":")) return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9._:@-]/.test(character)) return character;
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}
