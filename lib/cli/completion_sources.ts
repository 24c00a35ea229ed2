/**
 * Names that completion finds on the host. What cannot be read is left out: a
 * TAB key is no place for an error.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What completion offers that the verbs do not know; `root` is the value of `--root`. */
export interface CompletionSources {
  machines(root: string): readonly string[];
  /** The labels of a machine's snapshots. */
  snapshots(root: string, machine: string): readonly string[];
  images(root: string): readonly string[];
  templates(root: string): readonly string[];
}

/**
 * Machines by their configuration. Images: those that machines were made of, and
 * those that the store has references of. Templates: the administrator's.
 */
export const hostSources: CompletionSources = {
  machines,
  snapshots(root, machine) {
    if (machine.includes("/")) return [];
    const folder = join(root, "var/lib/man8machines/.mbctl-snapshots", machine);
    return namesIn(folder).filter((label) => !label.startsWith("."));
  },
  images(root) {
    const pulled = machines(root).map((name) => referenceOf(join(configurations(root), name)));
    return [...new Set([...pulled, ...stored(root)])]
      .filter((reference) => reference !== "")
      .sort();
  },
  templates(root) {
    return namesIn(join(root, "etc/mbctl/templates"))
      .filter((name) => name.endsWith(".toml"))
      .map((name) => name.slice(0, -".toml".length));
  },
};

function machines(root: string): string[] {
  return namesIn(configurations(root)).filter((name) => !name.startsWith("."));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/**
 * The names of the files tell the references (lib/store/reference_name.ts). Nobody
 * types a digest that a tag had once.
 */
function stored(root: string): string[] {
  return namesIn(join(root, "var/cache/mbctl/references"))
    .filter((name) => /:.*\.json$/.test(name) && !name.includes("@"))
    .map((name) => decoded(name.slice(0, -".json".length)));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return "";
  }
}

function configurations(root: string): string {
  return join(root, "var/lib/man8machine_configs");
}

/** The one line of machine.toml that matters here; a TOML parser would double the time of a TAB. */
function referenceOf(configuration: string): string {
  const toml = readOrNothing(join(configuration, "machine.toml"));
  return /^reference = "([^"\\]*)"$/m.exec(toml)?.[1] ?? "";
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
