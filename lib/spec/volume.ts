/**
 * The volumes of a machine: the choices for each, and where they lie.
 *
 * @module
 */

import { join, normalize } from "node:path";
import { usageError } from "../errors.ts";
import type { MachinePaths } from "../paths.ts";
import type { Volume } from "./machine_spec.ts";

/**
 * Reads one `--mount /in=config|data|skip|/abs/host/path`.
 *
 * @throws {MbctlError} (usage) saying which side is wrong.
 */
export function parseMount(text: string): Volume {
  const fail = (state: string) =>
    usageError(
      `Cannot use --mount ${JSON.stringify(text)}: ${state}`,
      "write --mount /path/in/the/machine=config|data|skip|/path/on/the/host",
    );
  // Both sides may hold an equals sign: the first behind which a choice stands parts them.
  const at = Math.max(text.search(/=(config|data|skip)$|=\//), text.indexOf("="));
  if (at < 0) throw fail('it has no "="');
  const path = normalizeInside(text.slice(0, at));
  if (path === undefined) throw fail("the path in the machine is not absolute");
  const choice = text.slice(at + 1);
  if (choice === "config" || choice === "data" || choice === "skip") return { path, kind: choice };
  if (!choice.startsWith("/")) {
    throw fail(`${JSON.stringify(choice)} is neither config, data, skip nor an absolute path`);
  }
  // The marker of a pull has one path a line, and nspawn's files could not hold it either.
  if (/[\0-\x1f\x7f]/.test(choice)) throw fail("a control character is in it");
  const source = withoutLastSlash(normalize(choice));
  if (source === "/") throw fail("the host's whole file system cannot be a volume");
  if (/\/var\/lib\/(man8machine[a-z_]*|machines)(\/|$)/.test(source)) {
    throw fail("that folder is mbctl's own; use config or data");
  }
  return { path, kind: "host", source };
}

/**
 * Holds the mounts that were asked for against the volumes of the image. Those at other paths are volumes too.
 *
 * @param declared the image's volumes.
 * @returns the volumes that are still without a choice, and those with one.
 * @throws {MbctlError} (usage) for a path that is named twice, and for `skip` where there is nothing to skip.
 */
export function matchMounts(
  declared: readonly string[],
  mounts: readonly Volume[],
): { readonly chosen: readonly Volume[]; readonly open: readonly string[] } {
  const chosen = new Map<string, Volume>();
  for (const mount of mounts) {
    if (mount.kind === "skip" && !declared.includes(mount.path)) {
      throw usageError(
        `Cannot skip the volume ${mount.path}: the image declares no such volume`,
        declared.length === 0
          ? "the image declares no volumes"
          : `the image declares ${declared.join(", ")}`,
      );
    }
    if (chosen.has(mount.path))
      throw usageError(
        `Cannot use the volume ${mount.path}: it is given twice`,
        "leave one of them out",
      );
    chosen.set(mount.path, mount);
  }
  return {
    chosen: [...chosen.values()],
    open: declared.filter((path) => !chosen.has(path)),
  };
}

/**
 * What a user says of volumes; those that the image declares beside them are data: nothing that a program keeps is lost.
 *
 * @throws {MbctlError} as {@linkcode matchMounts}.
 */
export function allVolumes(declared: readonly string[], mounts: readonly Volume[]): Volume[] {
  const { chosen, open } = matchMounts(declared, mounts);
  return [...chosen, ...open.map((path): Volume => ({ path, kind: "data" }))];
}

/** The folder on the host that a volume binds, or undefined for one in the root tree. */
export function volumeSource(paths: MachinePaths, volume: Volume): string | undefined {
  switch (volume.kind) {
    case "config":
      return join(paths.configuration, volume.path);
    case "data":
      return join(paths.storage, volume.path);
    case "host":
      return volume.source;
    case "skip":
    case "tmpfs":
      return undefined;
  }
}

/** Volumes in the order in which they must be mounted: outer before inner. */
export function outerFirst(volumes: readonly Volume[]): Volume[] {
  return [...volumes].sort((one, two) => (one.path < two.path ? -1 : one.path > two.path ? 1 : 0));
}

function normalizeInside(path: string): string | undefined {
  return path.startsWith("/") ? withoutLastSlash(normalize(path)) : undefined;
}

function withoutLastSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
