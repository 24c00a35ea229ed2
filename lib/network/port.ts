/**
 * Ports as rules and flags name them: `443`, `443/tcp`, `8000-8010/udp`.
 *
 * @module
 */

import { usageError } from "../errors.ts";

export type Protocol = "tcp" | "udp";

/** One port or several in a row, of one protocol. */
export interface PortRange {
  readonly first: number;
  /** The same as `first` for one port. */
  readonly last: number;
  readonly protocol: Protocol;
}

/**
 * Reads a port or a range; without a protocol it is TCP.
 *
 * @param what the whole text that it stands in, for the message.
 * @throws {MbctlError} (usage) when it is none, is 0 or above 65535, or runs backwards.
 */
export function parsePortRange(text: string, what: string = text): PortRange {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?$/.exec(text);
  const first = Number(found?.[1]);
  const last = Number(found?.[2] ?? found?.[1]);
  if (!found || first < 1 || last > 65535 || last < first) {
    const where = what === text ? "" : ` in ${JSON.stringify(what)}`;
    throw usageError(
      `Cannot read the port ${JSON.stringify(text)}${where}: not PORT[-PORT][/tcp|/udp] from 1 to 65535`,
    );
  }
  return { first, last, protocol: (found[3] as Protocol | undefined) ?? "tcp" };
}

/** Writes a range with its protocol; the inverse of {@linkcode parsePortRange}. */
export function formatPortRange({ first, last, protocol }: PortRange): string {
  return `${first === last ? first : `${first}-${last}`}/${protocol}`;
}
