/**
 * The distributions that machines can be made of, and their releases.
 *
 * @module
 */

import { didYouMean } from "../cli/suggest.ts";
import { usageError } from "../errors.ts";
import { type OsReference, parseOsReference } from "../spec/os_reference.ts";

/** Distributions with the same package manager and the same places for their settings. */
export type OsFamily = "debian" | "fedora" | "arch" | "suse";

/** A distribution and a release that there is. */
export interface Os {
  readonly distribution: Distribution;
  /** As its mirrors name it: `bookworm`, `41`; empty where there is but one. */
  readonly release: string;
  readonly family: OsFamily;
}

export type Distribution = "debian" | "ubuntu" | "fedora" | "arch" | "opensuse";

interface DistributionRow {
  readonly family: OsFamily;
  /** By the names that mirrors know, each with its other names, newest last. */
  readonly releases: Readonly<Record<string, readonly string[]>>;
  /** Numbers beside those: a release that came after this table was written. */
  readonly others?: RegExp;
  /** Where none is given. */
  readonly usual: string;
}

/** Releases that mirrors carry still, and whose systemd boots on a cgroup v2 host. */
const distributions: Readonly<Record<Distribution, DistributionRow>> = {
  debian: {
    family: "debian",
    releases: {
      bullseye: ["11"],
      bookworm: ["12", "oldstable"],
      trixie: ["13", "stable"],
      forky: ["14", "testing"],
      sid: ["unstable"],
    },
    usual: "trixie",
  },
  ubuntu: {
    family: "debian",
    releases: {
      jammy: ["22.04"],
      noble: ["24.04", "lts"],
      plucky: ["25.04"],
      questing: ["25.10"],
      resolute: ["26.04"],
    },
    usual: "noble",
  },
  fedora: {
    family: "fedora",
    releases: { "41": [], "42": [], "43": [], rawhide: [] },
    others: /^(4[4-9]|[5-9]\d)$/,
    usual: "43",
  },
  arch: { family: "arch", releases: { "": ["rolling", "latest"] }, usual: "" },
  opensuse: {
    family: "suse",
    releases: { "15.6": ["leap-15.6"], "16.0": ["leap-16.0", "leap"], tumbleweed: [] },
    usual: "tumbleweed",
  },
};

const aliases: ReadonlyMap<string, Distribution> = new Map([
  ["archlinux", "arch"],
  ["suse", "opensuse"],
  ["opensuse-tumbleweed", "opensuse"],
  ["opensuse-leap", "opensuse"],
]);

/**
 * The distribution and release that a reference names, by the names that mirrors know.
 *
 * @throws {MbctlError} (usage) naming the nearest, and all that there are.
 */
export function requireOs({ distribution: word, release }: OsReference): Os {
  const distribution = isDistribution(word) ? word : aliases.get(word);
  if (distribution === undefined) {
    const names = Object.keys(distributions);
    throw usageError(
      `Cannot make a system of ${JSON.stringify(word)}: mbctl does not know that distribution`,
      `${hint(word, names)}it is one of ${names.join(", ")}`,
    );
  }
  const row = distributions[distribution];
  const found = release === "" ? row.usual : releaseOf(row, release);
  if (found !== undefined) return { distribution, release: found, family: row.family };
  const names = Object.entries(row.releases).flatMap(([name, others]) =>
    [name, ...others].filter((text) => text !== ""),
  );
  const known = Object.entries(row.releases).map(([name, [number]]) =>
    number === undefined || name === "" ? name || (number ?? "") : `${name} (${number})`,
  );
  throw usageError(
    `Cannot make a system of "${distribution}:${release}": mbctl does not know that release`,
    `${hint(release, names)}it is one of ${known.join(", ")}; an older one may come as an image: mbctl machines pull --mode base`,
  );
}

function isDistribution(word: string): word is Distribution {
  return Object.hasOwn(distributions, word);
}

function releaseOf({ releases, others }: DistributionRow, release: string): string | undefined {
  if (Object.hasOwn(releases, release) || others?.test(release) === true) return release;
  return Object.entries(releases).find(([, names]) => names.includes(release))?.[0];
}

function hint(word: string, names: readonly string[]): string {
  // Every number is near to another.
  const meant = /[a-z]/.test(word) ? didYouMean(word, names) : undefined;
  return meant === undefined ? "" : `${meant} `;
}

/**
 * Reads what a user names: `debian:12`, `arch`.
 *
 * @throws {MbctlError} (usage) as {@linkcode requireOs}.
 */
export function parseOs(text: string): Os {
  return requireOs(parseOsReference(text));
}

/** For hints. */
export const exampleReference = "debian:trixie";

/** The reference that names it: `debian:12` and `debian:bookworm` are one. */
export function osReference({ distribution, release }: Os): OsReference {
  return { distribution, release };
}
