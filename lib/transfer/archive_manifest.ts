/**
 * The first file of an archive that holds a machine: what it is, and what follows. Pure.
 *
 * @module
 */

import * as v from "valibot";
import { describeIssues } from "../config/schema_issues.ts";
import { MbctlError } from "../errors.ts";
import { type Digest, parseDigest } from "../image/digest.ts";
import { type MachineName, parseMachineName } from "../spec/machine_name.ts";

/** The format that is written; a reader refuses a later one. */
const formatVersion = 1;

/** Room for the manifest in every archive: it is written when all else is known. */
export const manifestBytes = 64 * 1024;

export const manifestFile = "manifest.json";

/** What an archive may hold, in this order. */
const partNames = ["configuration", "storage", "tree"] as const;
export type PartName = (typeof partNames)[number];

/** One part: a folder as a compressed tar. */
export interface ArchivePart {
  readonly name: PartName;
  /** Of the plain tar. */
  readonly sizeBytes: number;
  readonly digest: Digest;
}

export interface ArchiveManifest {
  readonly name: MachineName;
  /** The mbctl that wrote it. */
  readonly mbctl: string;
  readonly createdMs: number;
  readonly image: { readonly reference: string; readonly digest: string };
  readonly parts: readonly ArchivePart[];
  /** The names of secrets that were left out. */
  readonly secrets: readonly string[];
}

const schema = v.strictObject({
  name: v.string(),
  mbctl: v.string(),
  created: v.pipe(v.string(), v.isoTimestamp()),
  image: v.strictObject({ reference: v.string(), digest: v.string() }),
  parts: v.array(
    v.strictObject({
      name: v.picklist(partNames),
      size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      digest: v.string(),
    }),
  ),
  secrets: v.array(v.string()),
});

/** The file's name in the archive. */
export function partFile(name: PartName): string {
  return `${name}.tar.zst`;
}

/** Writes a manifest, blanks behind it, with the SHA-256 by which a damaged one is known. */
export function formatManifest(manifest: ArchiveManifest): string {
  const { name, mbctl, createdMs, image, parts, secrets } = manifest;
  const document = {
    name,
    mbctl,
    created: new Date(createdMs).toISOString(),
    image,
    parts: parts.map(({ name, sizeBytes, digest }) => ({ name, size: sizeBytes, digest })),
    secrets,
  };
  const text = JSON.stringify({
    version: formatVersion,
    sha256: hashOf(document),
    manifest: document,
  });
  const bytes = Buffer.byteLength(text);
  if (bytes >= manifestBytes) throw new RangeError(`The manifest has ${bytes} bytes`);
  return `${text}${" ".repeat(manifestBytes - bytes - 1)}\n`;
}

/**
 * Reads a manifest.
 *
 * @param archive for messages.
 * @throws {MbctlError} (usage) for one that is damaged, of a later mbctl, or no manifest at all.
 */
export function parseManifest(text: string, archive: string): ArchiveManifest {
  const fail = (state: string, hint?: string) =>
    new MbctlError("usage", `Cannot read the archive ${archive}: ${state}`, { hint });
  const found = readJson(text);
  if (found === undefined) throw fail("its manifest is damaged", "copy it again");
  if (found.version !== formatVersion) {
    throw fail("it was written by a later mbctl", "install that one here");
  }
  if (found.sha256 !== hashOf(found.manifest)) {
    throw fail("its manifest is damaged", "copy it again");
  }
  const read = v.safeParse(schema, found.manifest);
  if (!read.success) throw fail(`its manifest: ${describeIssues(read.issues)}`);
  const { name, mbctl, created, image, parts, secrets } = read.output;
  const order = parts.map((part) => partNames.indexOf(part.name));
  if (
    order[0] !== 0 ||
    order.some((place, index) => index > 0 && place <= (order[index - 1] ?? 0))
  ) {
    throw fail("its parts are not a configuration, and then perhaps storage and tree");
  }
  return {
    name: parseMachineName(name),
    mbctl,
    createdMs: Date.parse(created),
    image,
    parts: parts.map((part) => ({
      name: part.name,
      sizeBytes: part.size,
      digest: parseDigest(part.digest),
    })),
    secrets,
  };
}

function hashOf(document: unknown): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(document) ?? "").digest("hex");
}

function readJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
