/**
 * Image references: what a user types to name an image.
 *
 * ```text
 * [docker://][REGISTRY/]REPOSITORY[:TAG][@DIGEST]
 * oci:PATH[:NAME]   oci-archive:PATH[:NAME]   docker-archive:PATH[:NAME]   dir:PATH
 * ```
 *
 * The grammar of the first form is that of the distribution project
 * (distribution/reference); that of the others is skopeo's, see
 * containers-transports(5).
 *
 * @module
 */

import { join } from "node:path/posix";
import { type MbctlError, usageError } from "../errors.ts";
import { type Digest, whyNoDigest } from "./digest.ts";
import { splitName, whyNoRegistry, whyNoRepository, whyNoTag } from "./reference_rules.ts";

/** An image in a registry. At least one of `tag` and `digest` is there; a digest decides. */
export interface RegistryRef {
  readonly transport: "docker";
  /** Host name, IPv4 address or bracketed IPv6 address, with the port if one was given. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** An image in an OCI layout, or in an archive of one or several images. */
export interface LayoutRef {
  readonly transport: "oci" | "oci-archive" | "docker-archive";
  /** As written: the caller resolves a relative path. It holds no colon. */
  readonly path: string;
  /** Which of several images; without it the source must hold one only. */
  readonly name?: string;
}

/** An image in a folder as `skopeo copy … dir:` writes it. */
export interface DirectoryRef {
  readonly transport: "dir";
  /** As written: the caller resolves a relative path. */
  readonly path: string;
}

export type LocalRef = LayoutRef | DirectoryRef;
export type ImageRef = RegistryRef | LocalRef;

/** The tag of a reference that has neither tag nor digest. */
const defaultTag = "latest";

const localTransports: readonly string[] = ["oci", "oci-archive", "docker-archive", "dir"];

const exampleHint =
  "write it as [REGISTRY/]REPOSITORY[:TAG][@sha256:…], as in docker.io/library/nginx:latest";
const localHint =
  "write it as oci:PATH[:NAME], oci-archive:PATH[:NAME], docker-archive:PATH[:NAME] or dir:PATH";

/**
 * Reads an image reference.
 *
 * `registry` and `docker.io/registry` both become
 * `docker.io/library/registry:latest`; a short name always means docker.io,
 * whatever short-name aliases the host has for other tools.
 *
 * @throws {MbctlError} (usage) saying what is wrong. A reference with an account
 * in it is refused, and the account is not repeated in the message.
 */
export function parseImageRef(text: string): ImageRef {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "docker") {
    return parseRegistryRef(text.slice("docker://".length), text);
  }
  if (scheme !== undefined && !localTransports.includes(scheme)) {
    throw refuse(
      text,
      `"${scheme}://" is no image source`,
      scheme.startsWith("http")
        ? "leave the scheme out; for a registry without TLS add --tls-verify=false"
        : exampleHint,
    );
  }

  const transport = /^([a-z-]+):/.exec(text)?.[1];
  switch (transport) {
    case "oci":
    case "oci-archive":
    case "docker-archive":
    case "dir":
      return parseLocalRef(transport, text.slice(transport.length + 1), text);
    case "containers-storage":
    case "docker-daemon":
    case "ostree":
    case "sif":
    case "tarball":
      throw refuse(
        text,
        `the source "${transport}:" is not supported`,
        `copy it into a layout first: skopeo copy ${transport}:… oci:/var/tmp/image:latest`,
      );
    default:
      return parseRegistryRef(text, text);
  }
}

/** The reference as text, complete: `parseImageRef` gives the same value back. */
export function formatImageRef(ref: ImageRef): string {
  if (ref.transport !== "docker") return formatLocal(ref);
  const tag = ref.tag === undefined ? "" : `:${ref.tag}`;
  const digest = ref.digest === undefined ? "" : `@${ref.digest}`;
  return `${ref.registry}/${ref.repository}${tag}${digest}`;
}

/**
 * The reference as skopeo takes it. skopeo refuses a tag beside a digest (seen
 * with 1.9.3), and the digest alone says which image it is: the tag is left out.
 */
export function skopeoSource(ref: ImageRef): string {
  if (ref.transport !== "docker") return formatLocal(ref);
  const { tag: _, ...untagged } = ref;
  return `docker://${formatImageRef(ref.digest === undefined ? ref : untagged)}`;
}

/**
 * The same image named by a digest: what is fetched once the digest is known,
 * so that a tag that moves meanwhile does no harm.
 */
export function pinned(ref: RegistryRef, digest: Digest): RegistryRef {
  return { ...ref, digest };
}

/** The same reference with its local path, if it has a relative one, below `directory`. */
export function resolveImagePath(ref: ImageRef, directory: string): ImageRef {
  if (ref.transport === "docker" || ref.path.startsWith("/")) return ref;
  const path = join(directory, ref.path);
  // In a layout's reference a colon would end the path: better no answer than a wrong one.
  if (ref.transport !== "dir" && path.includes(":")) {
    throw refuse(formatLocal(ref), `the path ${JSON.stringify(path)} has a colon`, localHint);
  }
  return { ...ref, path };
}

function formatLocal(ref: LocalRef): string {
  const name = ref.transport !== "dir" && ref.name !== undefined ? `:${ref.name}` : "";
  return `${ref.transport}:${ref.path}${name}`;
}

function parseLocalRef(transport: LocalRef["transport"], rest: string, whole: string): LocalRef {
  if (/[\0-\x1f\x7f]/.test(rest)) throw refuse(whole, "it has a control character", localHint);
  if (transport === "dir") {
    if (rest === "") throw refuse(whole, "the path is empty", localHint);
    return { transport, path: rest };
  }
  // containers-transports(5): the path ends at the first colon, whatever follows.
  const colon = rest.indexOf(":");
  const path = colon < 0 ? rest : rest.slice(0, colon);
  if (path === "") throw refuse(whole, "the path is empty", localHint);
  if (colon < 0) return { transport, path };
  const name = rest.slice(colon + 1);
  if (name === "") throw refuse(whole, "the name after the path is empty", localHint);
  if (!/^[!-~]+$/.test(name) || name.startsWith("-")) {
    throw refuse(whole, `${JSON.stringify(name)} is no name of an image`, localHint);
  }
  return { transport, path, name };
}

function parseRegistryRef(text: string, whole: string): RegistryRef {
  const fail = (state: string, hint = exampleHint) => refuse(whole, state, hint);
  if (text === "") throw fail("it is empty");
  if (/\s/.test(text)) throw fail("it has white space");
  if (hasAccount(text)) {
    throw fail(
      "it holds an account",
      "leave the account out and log in first: skopeo login REGISTRY",
    );
  }
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const beforeDigest = at < 0 ? text : text.slice(0, at);

  // A colon before the last slash belongs to the registry's port.
  const colon = beforeDigest.indexOf(":", beforeDigest.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : beforeDigest.slice(colon + 1);
  const name = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon);

  if (name === "") throw fail("the repository is empty");
  if (name.startsWith("/") || name.startsWith(".")) {
    throw fail(
      "it looks like a path",
      `name the kind of a local source: oci:${name} or docker-archive:${name} or dir:${name}`,
    );
  }
  if (tag === "") throw fail("the tag is empty");
  if (digest !== undefined) {
    const state = digest === "" ? "the digest is empty" : whyNoDigest(digest);
    if (state !== undefined) throw fail(state);
  }
  const { registry, repository } = splitName(name);
  const registryState = whyNoRegistry(registry);
  if (registryState !== undefined) throw fail(registryState);
  const repositoryState = whyNoRepository(repository);
  if (repositoryState !== undefined) throw fail(repositoryState);
  if (tag !== undefined) {
    const state = whyNoTag(tag);
    if (state !== undefined) throw fail(state);
  }
  return {
    transport: "docker",
    registry,
    repository,
    ...(tag === undefined && digest === undefined ? { tag: defaultTag } : {}),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: digest as Digest }),
  };
}

/** An "@" that no digest follows: a URL's habit of `account:password@host/…`. */
function hasAccount(text: string): boolean {
  const at = text.indexOf("@");
  return at >= 0 && /[/@]/.test(text.slice(at + 1));
}

/** Takes an account out of a text: everything up to its last "@" that no digest follows. */
function redact(text: string): string {
  const scheme = /^[A-Za-z][A-Za-z-]*:\/\//.exec(text)?.[0] ?? "";
  const rest = text.slice(scheme.length);
  if (!hasAccount(rest)) return text;
  const tail = /@[A-Za-z0-9+._-]+:[0-9A-Fa-f]*$/.exec(rest)?.index ?? rest.length;
  const end = rest.lastIndexOf("@", tail - 1);
  return `${scheme}***${rest.slice(end < 0 ? tail : end)}`;
}

function refuse(text: string, state: string, hint: string): MbctlError {
  return usageError(`Cannot parse image reference ${JSON.stringify(redact(text))}: ${state}`, hint);
}
