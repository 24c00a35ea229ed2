/**
 * Content digests (OCI image-spec, descriptor.md, "Digests").
 *
 * @module
 */

import type { Branded } from "../brand.ts";
import { usageError } from "../errors.ts";

/** `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits. */
export type Digest = Branded<string, "Digest">;

/**
 * The digest of an image that nobody knows (any more), or of what no image gave: no registry has it, so `outdated` finds
 * another one and `upgrade` takes that.
 */
export const unknownDigest = `sha256:${"0".repeat(64)}` as Digest;

/** As many digits of a digest as `podman images` shows; undefined for the unknown one. */
export function shortDigest(digest: string): string | undefined {
  return digest === unknownDigest ? undefined : digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}

/** The hash functions that the OCI specification registers and skopeo knows. */
export type DigestAlgorithm = "sha256" | "sha512";

const hexLengths: Readonly<Record<DigestAlgorithm, number>> = {
  sha256: 64,
  sha512: 128,
};

/**
 * Accepts a digest.
 *
 * @throws {MbctlError} (usage) saying what is wrong with it.
 */
export function parseDigest(text: string): Digest {
  const state = whyNoDigest(text);
  if (state === undefined) return text as Digest;
  throw usageError(
    `Cannot parse digest ${JSON.stringify(text)}: ${state}`,
    'write "sha256:" and 64 hexadecimal digits in lower case',
  );
}

/** Why `text` is no digest, or undefined when it is one. */
export function whyNoDigest(text: string): string | undefined {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  if (colon < 0) return "the digest names no algorithm";
  if (algorithm !== "sha256" && algorithm !== "sha512") {
    return `the digest algorithm ${JSON.stringify(algorithm)} is not supported`;
  }
  const hex = text.slice(colon + 1);
  const length = hexLengths[algorithm];
  if (/[A-F]/.test(hex)) return "the digest has upper-case letters";
  if (!/^[0-9a-f]*$/.test(hex)) return "the digest has a character that is no hexadecimal digit";
  if (hex.length !== length) {
    return `the digest has ${hex.length} hexadecimal digits, not ${length}`;
  }
  return undefined;
}

/** The hash function of a digest. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The hexadecimal digits of a digest: the file name of its blob. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of some bytes (or of a text as UTF-8). */
export function digestOf(
  content: string | Uint8Array,
  algorithm: DigestAlgorithm = "sha256",
): Digest {
  const hash = new Bun.CryptoHasher(algorithm).update(content).digest("hex");
  return `${algorithm}:${hash}` as Digest;
}
