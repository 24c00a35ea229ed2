/**
 * Calling skopeo: the flags that every call shares, and its failures in our words.
 *
 * skopeo reads the host's own settings (registries.conf, policy.json, auth.json,
 * certs.d) and the proxy variables by itself: none of that is repeated here.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { CommandError, type Run, type RunOptions, type RunResult } from "../host/run.ts";
import type { Digest } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import { type ImageRef, pinned, skopeoSource } from "../image/reference.ts";
import { explainSkopeo } from "./skopeo_errors.ts";

/** How to reach an image, and which one to take. */
export interface SourceOptions {
  /** The platform to choose from an index. */
  readonly platform: Platform;
  /** false accepts plain HTTP and any certificate; default true. */
  readonly tlsVerify?: boolean | undefined;
  /** Another auth.json than skopeo's own choice. */
  readonly authFile?: string | undefined;
  /** Another policy.json than skopeo's own choice. */
  readonly policyFile?: string | undefined;
  /** Another folder than /etc/containers/registries.d (containers-registries.d(5)). */
  readonly registriesDir?: string | undefined;
  /** Where skopeo unpacks archives; default /var/tmp. */
  readonly tempDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One image as skopeo is to find it. */
export interface Source extends SourceOptions {
  /** What skopeo is given: often pinned to a digest. */
  readonly ref: ImageRef;
  /** How the user named the image, for messages. */
  readonly image: string;
}

/** The same image by its digest, so that a tag that moves meanwhile does no harm. */
export function pinnedSource(source: Source, digest: Digest): Source {
  const { ref } = source;
  return ref.transport === "docker" ? { ...source, ref: pinned(ref, digest) } : source;
}

/**
 * Longest wait for a manifest or a configuration. skopeo itself waits about a
 * minute when a registry says "too many requests".
 */
const inspectTimeout = "90s";

/** `skopeo inspect`: the bytes of a manifest, or of a configuration, as text. */
export async function skopeoInspect(
  run: Run,
  source: Source,
  what: "manifest" | "config" = "manifest",
): Promise<string> {
  const argv = [
    ...globalFlags(source),
    `--command-timeout=${inspectTimeout}`,
    "inspect",
    "--raw",
    ...(what === "config" ? ["--config"] : []),
    ...registryFlags(source, ""),
    skopeoSource(source.ref),
  ];
  return (await skopeo(run, argv, "read", source, {})).stdout;
}

/** `skopeo copy` of one image; `flags` and `destination` are skopeo's. */
export async function skopeoCopy(
  run: Run,
  source: Source,
  destination: string,
  flags: readonly string[],
  options: RunOptions,
): Promise<void> {
  const argv = [
    ...globalFlags(source),
    "copy",
    ...registryFlags(source, "src-"),
    ...flags,
    skopeoSource(source.ref),
    destination,
  ];
  await skopeo(run, argv, "fetch", source, options);
}

/** `skopeo list-tags`: what a repository offers. */
export async function skopeoListTags(run: Run, source: Source): Promise<string> {
  const { ref } = source;
  if (ref.transport !== "docker") throw new TypeError("only registries have tags");
  const argv = [
    ...globalFlags(source),
    `--command-timeout=${inspectTimeout}`,
    "list-tags",
    ...registryFlags(source, ""),
    `docker://${ref.registry}/${ref.repository}`,
  ];
  return (await skopeo(run, argv, "read", source, {})).stdout;
}

/** The command line of a proxy, but for its socket. */
export function proxyCommand(source: Source): string[] {
  return [
    "skopeo",
    ...globalFlags(source),
    "experimental-image-proxy",
    ...registryFlags(source, ""),
  ];
}

function globalFlags(source: SourceOptions): string[] {
  const { platform, tempDir, policyFile, registriesDir } = source;
  return [
    `--override-os=${platform.os}`,
    `--override-arch=${platform.architecture}`,
    ...(platform.variant === undefined ? [] : [`--override-variant=${platform.variant}`]),
    ...(tempDir === undefined ? [] : [`--tmpdir=${tempDir}`]),
    ...(policyFile === undefined ? [] : [`--policy=${policyFile}`]),
    ...(registriesDir === undefined ? [] : [`--registries.d=${registriesDir}`]),
  ];
}

function registryFlags(source: Source, prefix: "" | "src-"): string[] {
  if (source.ref.transport !== "docker") return [];
  const { tlsVerify, authFile } = source;
  return [
    ...(tlsVerify === false ? [`--${prefix}tls-verify=false`] : []),
    ...(authFile === undefined ? [] : [`--${prefix}authfile=${authFile}`]),
  ];
}

async function skopeo(
  run: Run,
  argv: readonly string[],
  action: "read" | "fetch",
  { ref, image, signal }: Source,
  options: RunOptions,
): Promise<RunResult> {
  try {
    return await run(["skopeo", ...argv], { ...options, signal });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { stderr } = error.result;
    throw skopeoFailure(action, { ref, image }, stderr === "" ? error.message : stderr, error.hint);
  }
}

/**
 * The error for a failure of skopeo.
 *
 * @param said its stderr, or the words that its proxy answered.
 */
export function skopeoFailure(
  action: "read" | "fetch",
  { ref, image }: Pick<Source, "ref" | "image">,
  said: string,
  otherHint?: string,
): MbctlError {
  const { reason, hint } = explainSkopeo(said, ref);
  return new MbctlError("tool", `Cannot ${action} image ${JSON.stringify(image)}: skopeo failed`, {
    cause: new Error(reason),
    hint: hint ?? otherHint,
  });
}
