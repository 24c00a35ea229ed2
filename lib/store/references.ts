/**
 * References: what each named when its registry was last asked. One JSON file for
 * each, so that two pulls never write the same file but for the same reference.
 *
 * @module
 */

import { utimesSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { isErrno, listDirectory, readTextIfPresent, removeFile } from "../host/files.ts";
import { type Digest, whyNoDigest } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import { formatImageRef, type ImageRef, parseImageRef } from "../image/reference.ts";
import { referenceFileName, referenceOfFileName } from "./reference_name.ts";
import { makeCacheFolders, writeStagedFile } from "./staged_file.ts";
import type { OpenStore, Store } from "./store.ts";
import { statFile, type StoredFile } from "./stored_file.ts";

/** What a reference named. */
export interface NamedImage {
  /** As `formatImageRef` writes it. */
  readonly reference: string;
  /** Of the index, if the reference names one, else of the manifest. */
  readonly digest: Digest;
  /** Of the manifest for the platform. */
  readonly manifestDigest: Digest;
  readonly platform: Platform;
  /** When the registry was asked. */
  readonly resolvedMs: number;
  /** The rule of policy.json by which the signature was accepted, if there is one. */
  readonly verifiedBy?: string | undefined;
}

export interface StoredReference extends NamedImage, StoredFile {
  /** When it was last pulled, asked for or listed as used: the time of the file. */
  readonly usedMs: number;
}

const digest = v.pipe(
  v.string(),
  v.check((text) => whyNoDigest(text) === undefined, "it is no digest"),
  v.transform((text) => text as Digest),
);
/** Whether a text is a reference as it is always written here. */
function isComplete(text: string): boolean {
  try {
    return formatImageRef(parseImageRef(text)) === text;
  } catch {
    return false;
  }
}
const schema = v.object({
  schema: v.literal(1),
  reference: v.pipe(v.string(), v.check(isComplete, "it is no complete reference")),
  digest,
  manifestDigest: digest,
  platform: v.object({
    os: v.string(),
    architecture: v.string(),
    variant: v.optional(v.string()),
  }),
  resolvedAt: v.pipe(v.string(), v.isoTimestamp()),
  verifiedBy: v.optional(v.string()),
});

/** What is known of a reference; undefined when nothing is, or its file is damaged. */
export function readReference(store: Store, reference: string): StoredReference | undefined {
  return readFile(store, referenceFileName(reference));
}

/** All references, sorted, and the files that are none. */
export function listReferences(store: Store): {
  references: StoredReference[];
  damaged: StoredFile[];
} {
  const references: StoredReference[] = [];
  const damaged: StoredFile[] = [];
  for (const name of listDirectory(store.paths.references)) {
    const reference = readFile(store, name);
    if (reference !== undefined) references.push(reference);
    else damaged.push(...statFile(join(store.paths.references, name)));
  }
  references.sort((a, b) => (a.reference < b.reference ? -1 : 1));
  return { references, damaged };
}

/** The references whose names tell them, sorted: no file is opened. */
export function storedReferences(store: Store): string[] {
  return listDirectory(store.paths.references)
    .flatMap((name) => referenceOfFileName(name) ?? [])
    .sort();
}

/**
 * Notes what a reference names now. An image of a registry that it named before
 * keeps a name of its own, `REPOSITORY@DIGEST`: it can still be pulled offline,
 * and is removed only when nobody has used it for long enough.
 */
export function writeReference(store: OpenStore, ref: ImageRef, named: NamedImage): void {
  const before = readReference(store, named.reference);
  if (before !== undefined && before.digest !== named.digest && ref.transport === "docker") {
    const { tag: _, ...untagged } = ref;
    const reference = formatImageRef({ ...untagged, digest: before.digest });
    if (readReference(store, reference) === undefined) {
      write(store, { ...before, reference });
      touch(store, reference, before.usedMs);
    }
  }
  write(store, named);
}

/** Notes that a reference was used. Only the file's time changes. */
export function touchUsed(store: OpenStore, reference: string, nowMs: number): void {
  touch(store, reference, nowMs);
}

/** Forgets a reference; none is no error. The blobs stay until the store is pruned. */
export function removeReference(store: OpenStore, reference: string): void {
  removeFile(join(store.paths.references, referenceFileName(reference)));
}

function write(store: OpenStore, named: NamedImage): void {
  const { reference, digest, manifestDigest, platform, resolvedMs, verifiedBy } = named;
  const resolvedAt = new Date(resolvedMs).toISOString();
  const data: v.InferInput<typeof schema> = {
    ...{ schema: 1, reference, digest, manifestDigest, platform, resolvedAt },
    ...(verifiedBy === undefined ? {} : { verifiedBy }),
  };
  makeCacheFolders(store.paths);
  writeStagedFile(
    join(store.paths.references, referenceFileName(reference)),
    Buffer.from(`${JSON.stringify(data, null, 2)}\n`),
    { mode: 0o644, folder: store.paths.partial, isDurable: true },
  );
}

function touch(store: OpenStore, reference: string, ms: number): void {
  const path = join(store.paths.references, referenceFileName(reference));
  try {
    utimesSync(path, ms / 1000, ms / 1000);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
  }
}

function readFile(store: Store, name: string): StoredReference | undefined {
  const path = join(store.paths.references, name);
  const [file] = statFile(path);
  const text = readTextIfPresent(path);
  if (file === undefined || text === undefined) return undefined;
  const read = v.safeParse(schema, parseJson(text));
  if (!read.success || referenceFileName(read.output.reference) !== name) {
    store.onDamage(`the note of a reference in ${path} is damaged: it is not used`);
    return undefined;
  }
  const { schema: _, resolvedAt, platform, verifiedBy, ...rest } = read.output;
  const { variant, ...kind } = platform;
  return {
    ...file,
    ...rest,
    platform: variant === undefined ? kind : { ...kind, variant },
    resolvedMs: Date.parse(resolvedAt),
    verifiedBy,
    usedMs: file.modifiedMs,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
