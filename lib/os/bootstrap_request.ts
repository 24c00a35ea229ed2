/**
 * What a bootstrapper is asked for, and what it does, as data.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { Os } from "./os.ts";

/** What planning has to know of the host. */
export interface BootstrapHost {
  /** Those of `bootstrapPrograms` that it has. */
  readonly programs: readonly string[];
  /** Whether a file is there: a key. */
  readonly hasFile: (path: string) => boolean;
  /** How to install the package of a program or key, in the words of the host's distribution. */
  readonly installHint: (program: string) => string;
  readonly architecture: Architecture;
}

/** As Node names it. */
export type Architecture = "x64" | "arm64";

export interface BootstrapRequest {
  readonly os: Os;
  /** `debian:bookworm`, for messages. */
  readonly name: string;
  /** The bootstrapper. */
  readonly program: string;
  /** A URL without a slash at its end; the distribution's own without. */
  readonly mirror: string | undefined;
  readonly packages: readonly string[];
  readonly tree: string;
  readonly host: BootstrapHost;
}

/** A file of the new tree. */
export interface TreeFile {
  /** In the tree. */
  readonly path: string;
  readonly text: string;
}

/** How a tree is made. */
export interface BootstrapPlan {
  readonly program: string;
  /** Written into the empty tree; those below `/.mbctl-bootstrap` are removed in the end. */
  readonly before: readonly TreeFile[];
  /** One after the other, with the tree's path in them. */
  readonly commands: readonly (readonly string[])[];
  /** Written into the tree that was made. */
  readonly after: readonly TreeFile[];
  /** Folders of the tree that hold what was downloaded, and are emptied. */
  readonly caches: readonly string[];
}

/** Where a plan keeps what its commands read: gone with the tree when it fails. */
export const bootstrapFolder = "/.mbctl-bootstrap";

/**
 * The key that packages are checked against.
 *
 * @param paths where it may be, best first.
 * @param owner the package that brings it.
 * @throws {MbctlError} (host) when the host has none: without it nothing that a mirror says could be trusted.
 */
export function requireKey(
  { name, host }: BootstrapRequest,
  paths: readonly string[],
  owner: string,
): string {
  const found = paths.find((path) => host.hasFile(path));
  if (found !== undefined) return found;
  throw new MbctlError(
    "host",
    `Cannot make a system of "${name}": the host has not the key that its packages are signed with`,
    { hint: `${host.installHint(owner)}; or put the key at ${paths[0]}` },
  );
}
