/**
 * Names that completion finds on the host. What cannot be read is left out: a
 * TAB key is no place for an error.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { OfMachine } from "./flags.ts";

/** What completion offers that the verbs do not know; `root` is the value of `--root`. */
export interface CompletionSources {
  machines(root: string): readonly string[];
  /** What a machine has of a kind; without a machine what any of them has. */
  ofMachine(root: string, kind: OfMachine, machine: string | undefined): readonly string[];
  images(root: string): readonly string[];
  templates(root: string): readonly string[];
}

/**
 * Machines by their configuration. Images: those that machines were made of, and
 * those that the store has references of. Templates: the administrator's.
 */
export const hostSources: CompletionSources = {
  machines,
  ofMachine(root, kind, machine) {
    const own = (name: string) =>
      kind === "snapshot" ? snapshots(root, name) : declared(root, name)[kind];
    if (machine === undefined) return [...new Set(machines(root).flatMap(own))].sort();
    return machine.includes("/") ? [] : own(machine);
  },
  images(root) {
    const pulled = machines(root).map((name) => referenceOf(machineToml(root, name)));
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

function snapshots(root: string, machine: string): string[] {
  const folder = join(root, "var/lib/man8machines/.mbctl-snapshots", machine);
  return namesIn(folder).filter((label) => !label.startsWith("."));
}

/**
 * What a machine.toml says, as mbctl writes it: a list in one line, one key a line. A TOML parser would double the time
 * of a TAB; what is written otherwise is not offered.
 */
function declared(root: string, machine: string): Record<Exclude<OfMachine, "snapshot">, string[]> {
  const toml = machineToml(root, machine);
  const found = { app: [] as string[], connector: [] as string[], "lent-command": [] as string[] };
  let table = "";
  for (const line of toml.split("\n")) {
    const [, header] = /^\s*\[+\s*([\w.-]+)\s*\]+/.exec(line) ?? [];
    const [, key = "", value = ""] = /^\s*"?([\w.-]+)"?\s*=\s*(.*)/.exec(line) ?? [];
    if (header !== undefined) table = header;
    else if (table === "apps" && key === "name") found.app.push(...texts(value).slice(0, 1));
    else if (table === "" && key === "connectors") found.connector.push(...texts(value));
    else if (/^(apps\.)?lend$/.test(table) && key !== "") found["lent-command"].push(key);
  }
  // One that is there for its commands alone, and names none, lends its image's program.
  if (/^mode = "connector"$/m.test(toml) && found["lent-command"].length === 0)
    found["lent-command"].push(...programOf(join(configurations(root), machine)));
  return found;
}

/** The name of an image's program. */
function programOf(configuration: string): string[] {
  const text = readOrNothing(join(configuration, ".mbctl/image.json"));
  const [, words = ""] = /"Entrypoint":\s*\[([^\]]+)\]/.exec(text) ?? [];
  return texts(words)
    .slice(0, 1)
    .map((path) => basename(path));
}

/** The strings in a line. */
function texts(line: string): string[] {
  return [...line.matchAll(/"([^"\\]*)"|'([^']*)'/g)].map(([, one, other]) => one ?? other ?? "");
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

function referenceOf(toml: string): string {
  return /^reference = "([^"\\]*)"$/m.exec(toml)?.[1] ?? "";
}

function machineToml(root: string, name: string): string {
  return readOrNothing(join(configurations(root), name, "machine.toml"));
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
