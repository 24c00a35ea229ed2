/**
 * What a machine is made of, as machine.toml's `image.reference` names it: an image, or a distribution.
 *
 * @module
 */

import { formatImageRef, type ImageRef, parseImageRef } from "../image/reference.ts";
import { osReference, requireOs } from "../os/os.ts";
import {
  formatOsReference,
  isOsReference,
  type OsReference,
  parseOsReference,
} from "./os_reference.ts";

/** A distribution that the host's bootstrapper makes: `os:debian:bookworm`. */
export interface OsRef extends OsReference {
  readonly transport: "os";
}

export type SourceRef = ImageRef | OsRef;

/**
 * Reads what machine.toml names.
 *
 * @throws {MbctlError} (usage)
 */
export function parseSourceRef(text: string): SourceRef {
  if (!isOsReference(text)) return parseImageRef(text);
  return { transport: "os", ...parseOsReference(text) };
}

/** The inverse of {@linkcode parseSourceRef}. */
export function formatSourceRef(ref: SourceRef): string {
  return ref.transport === "os" ? formatOsReference(ref) : formatImageRef(ref);
}

/**
 * The one text for all that name the same: `registry` and `docker.io/library/registry:latest`, `os:debian:12` and
 * `os:debian:bookworm`.
 *
 * @throws {MbctlError} (usage) also for a distribution that nobody knows.
 */
export function canonicalSource(text: string): string {
  const ref = parseSourceRef(text);
  return formatSourceRef(
    ref.transport === "os" ? { transport: "os", ...osReference(requireOs(ref)) } : ref,
  );
}
