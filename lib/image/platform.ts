/**
 * Platforms: which image of an index fits this host.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";

/** Operating system and architecture by their Go names, as image indexes use them. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** For instance "v7" for arm, "v8" for arm64. */
  readonly variant?: string;
}

const architectures: Readonly<Record<string, Platform>> = {
  x64: { os: "linux", architecture: "amd64" },
  arm64: { os: "linux", architecture: "arm64", variant: "v8" },
  arm: { os: "linux", architecture: "arm", variant: "v7" },
  ia32: { os: "linux", architecture: "386" },
  ppc64: { os: "linux", architecture: "ppc64le" },
  riscv64: { os: "linux", architecture: "riscv64" },
  s390x: { os: "linux", architecture: "s390x" },
  loong64: { os: "linux", architecture: "loong64" },
};

/**
 * The platform of a host.
 *
 * @param processArch the value of Node's `process.arch`, for instance "x64".
 * @throws {MbctlError} (host) when no Linux architecture is known by that name.
 */
export function hostPlatform(processArch: string): Platform {
  const platform = Object.hasOwn(architectures, processArch)
    ? architectures[processArch]
    : undefined;
  if (platform === undefined) {
    throw new MbctlError(
      "host",
      `Cannot choose an image for the architecture ${JSON.stringify(processArch)}: it is not known`,
    );
  }
  return platform;
}

/** `linux/arm/v7`, as Docker prints a platform. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant ? `/${platform.variant}` : "";
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** An entry of an index. */
interface Entry {
  readonly platform?: Platform;
}

/**
 * Chooses the entry of an index that fits a host best: the newest variant that
 * the host can run, else one without a variant, else (as skopeo does) an entry
 * that names no platform.
 *
 * @throws {MbctlError} (usage) naming the platforms that are there.
 */
export function selectPlatform<E extends Entry>(
  entries: readonly E[],
  host: Platform,
  image: string,
): E {
  let best: E | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const its = entry.platform === undefined ? 1000 : rank(host, entry.platform);
    if (its === undefined || its >= bestRank) continue;
    best = entry;
    bestRank = its;
  }
  if (best !== undefined) return best;
  throw wrongPlatform(
    image,
    host,
    entries.flatMap((entry) => (entry.platform === undefined ? [] : [entry.platform])),
  );
}

/** The error for an image that is there for other platforms only. */
export function wrongPlatform(
  image: string,
  host: Platform,
  there: readonly Platform[],
): MbctlError {
  // buildx stores its attestations as entries of the platform unknown/unknown.
  const names = there.filter((platform) => platform.os !== "unknown").map(formatPlatform);
  const list = [...new Set(names)].sort().join(", ");
  return new MbctlError(
    "usage",
    `Cannot use image ${JSON.stringify(image)} on ${formatPlatform(host)}: it is for ${list || "no platform at all"}`,
    {
      hint: `choose a tag or a digest that is built for ${formatPlatform(host)}`,
    },
  );
}

/** How well an image fits: 0 is best, undefined means not at all. */
function rank(host: Platform, image: Platform): number | undefined {
  if (image.os !== host.os || image.architecture !== host.architecture) return undefined;
  const has = image.variant ?? "";
  if (has === (host.variant ?? "")) return 0;
  if (has === "") return 100;
  if (host.architecture === "amd64") return has === "v1" ? 1 : undefined;
  const newest = /^v([0-9]+)$/.exec(host.variant ?? "")?.[1];
  const needed = /^v([0-9]+)$/.exec(has)?.[1];
  if (newest === undefined || needed === undefined) return undefined;
  const distance = Number(newest) - Number(needed);
  return distance > 0 ? distance : undefined;
}
