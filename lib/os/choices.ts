/**
 * How a user chooses what a distribution is made with.
 *
 * @module
 */

import { usageError } from "../errors.ts";

/**
 * Reads a mirror's URL, which becomes part of a line of sources.list(5) and of commands.
 *
 * @throws {MbctlError} (usage)
 */
export function parseMirror(text: string): string {
  if (/^(https?|ftp):\/\/[A-Za-z0-9[\]:._~%/?&=+@,-]+$/.test(text) && URL.canParse(text))
    return text;
  throw usageError(
    `Cannot use ${JSON.stringify(text)} as a mirror: it is no URL of http, https or ftp`,
    "name the folder that has the distribution: --mirror http://deb.debian.org/debian",
  );
}

/**
 * Reads names of packages with commas between.
 *
 * @throws {MbctlError} (usage)
 */
export function parsePackages(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  // No flag of a package manager's, and no group: a name.
  const wrong = names.find((name) => !/^[A-Za-z0-9][A-Za-z0-9+._:@-]*$/.test(name));
  if (wrong === undefined) return names;
  throw usageError(
    `Cannot use ${JSON.stringify(wrong)} as a package: it is no name of one`,
    "write names with commas between: --packages git,openssh-server",
  );
}
