/**
 * Whether containers-registries.conf(5) says anything about a repository: a
 * mirror, another location, blocked, insecure, a credential helper. It is not
 * followed here: what it touches is left to skopeo.
 *
 * @module
 */

import { parse } from "smol-toml";
import type { RegistryRef } from "../image/reference.ts";

/**
 * Why a file leaves a repository to skopeo, as a state; undefined when it does not touch it.
 *
 * @param path the file's, for the answer.
 */
export function whyTouched(text: string, path: string, ref: RegistryRef): string | undefined {
  // Most files have aliases of short names alone: these need no parsing.
  if (!/\bregistr(?:y|ies)["'\s]*[\].]|credential-helpers|^\s*["']?registr/m.test(text)) {
    return undefined;
  }
  let file: Record<string, unknown>;
  try {
    file = parse(text);
  } catch {
    return `${path} cannot be read`;
  }
  const helpers = file["credential-helpers"];
  if (Array.isArray(helpers) && helpers.some((name) => name !== "containers-auth.json")) {
    return `${path} names a credential helper`;
  }
  // The first version of the format: lists of registries to search, to trust and to block.
  const first = file.registries;
  if (isTable(first) && (hasEntries(first.insecure) || hasEntries(first.block))) {
    return `${path} is of the old format`;
  }
  const tables = file.registry;
  if (tables === undefined) return undefined;
  if (!Array.isArray(tables)) return `${path} cannot be read`;
  return tables.some((table) => mayConcern(table, `${ref.registry}/${ref.repository}`))
    ? `${path} has settings for it`
    : undefined;
}

/**
 * Whether a [[registry]] table may be about a repository. Its prefix may name the registry, a
 * namespace, the repository, one tag of it, or `*.DOMAIN`.
 */
function mayConcern(table: unknown, name: string): boolean {
  if (!isTable(table)) return true;
  const prefix = table.prefix || table.location;
  if (typeof prefix !== "string") return true;
  if (prefix.startsWith("*.")) {
    const host = name.split(/[/:]/, 1)[0] ?? "";
    return host.endsWith(prefix.slice(1).split(/[/:]/, 1)[0] ?? "");
  }
  const [short, long] = prefix.length < name.length ? [prefix, name] : [name, prefix];
  return long.startsWith(short) && /^(?:$|[:/@])/.test(long.slice(short.length));
}

type Table = Readonly<Record<string, unknown>>;

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasEntries(value: unknown): boolean {
  return isTable(value) && Array.isArray(value.registries) && value.registries.length > 0;
}
