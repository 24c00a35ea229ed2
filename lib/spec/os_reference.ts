/**
 * What a machine is made of that no image gave: a distribution, by its own bootstrapper.
 *
 * @module
 */

import { usageError } from "../errors.ts";

/** A distribution and its release, as in `debian:bookworm`; empty where it has none (arch). */
export interface OsReference {
  readonly distribution: string;
  readonly release: string;
}

const prefix = "os:";

/** Whether machine.toml's `image` names a distribution: `os:debian:bookworm`. */
export function isOsReference(reference: string): boolean {
  return reference.startsWith(prefix);
}

/**
 * Reads `debian:bookworm` and `os:debian:bookworm`; whether there is such a distribution is not asked.
 *
 * @throws {MbctlError} (usage)
 */
export function parseOsReference(text: string): OsReference {
  const bare = isOsReference(text) ? text.slice(prefix.length) : text;
  const [, distribution, release = ""] =
    /^([a-z][a-z0-9-]{0,31})(?::([a-z0-9][a-z0-9.-]{0,31}))?$/.exec(bare) ?? [];
  if (distribution !== undefined) return { distribution, release };
  throw usageError(
    `Cannot read ${JSON.stringify(text)} as an operating system`,
    "write DISTRIBUTION:RELEASE, as in debian:bookworm",
  );
}

/** As machine.toml has it. */
export function formatOsReference({ distribution, release }: OsReference): string {
  return `${prefix}${distribution}${release === "" ? "" : `:${release}`}`;
}
