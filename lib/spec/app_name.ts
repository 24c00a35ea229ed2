/**
 * Names of applications in a booted machine.
 *
 * @module
 */

import type { Branded } from "../brand.ts";
import { usageError } from "../errors.ts";

/** The name of an application: of its folder, and of its unit `oci-NAME.service` in the machine. */
export type AppName = Branded<string, "AppName">;

/** Whether a text is the name of an application. */
export function isAppName(text: string): text is AppName {
  return /^[a-z0-9][a-z0-9._-]{0,31}$/.test(text) && !/(-user|-log|-health|-probe)$/.test(text);
}

/**
 * Accepts 1 to 32 of the characters a-z, 0-9, `.`, `_` and `-`, the first a letter or digit. `X-user`, `X-log`, `X-health` and `X-probe` are
 * units beside that of X.
 *
 * @throws {MbctlError} (usage)
 */
export function parseAppName(text: string): AppName {
  if (isAppName(text)) return text;
  throw usageError(
    `Cannot use ${JSON.stringify(text)} as the name of an application`,
    'use up to 32 small letters, digits, "-", "_" and ".", as in "web"; it must not end in -user, -log, -health or -probe',
  );
}
