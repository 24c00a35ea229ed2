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
import type { Digest } from "./digest.ts";
import type { Platform } from "./platform.ts";
import { type ImageRef, pinned, skopeoSource } from "./reference.ts";
import { explainSkopeo } from "./skopeo_errors.ts";

/** How to reach an image, and which one to take. */
export interface SourceOptions {
  /** The platform to choose from an index. */
  readonly platform: Platform;
  /** false accepts plain HTTP and any certificate; default true. */
  readonly tlsVerify?: boolean | undefined;
  /** Another auth.json than skopeo's own choice. */
  readonly authFile?: string | undefined;
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

function globalFlags({ platform, tempDir }: SourceOptions): string[] {
  return [
    `--override-os=${platform.os}`,
    `--override-arch=${platform.architecture}`,
    ...(platform.variant === undefined ? [] : [`--override-variant=${platform.variant}`]),
    ...(tempDir === undefined ? [] : [`--tmpdir=${tempDir}`]),
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
    const { reason, hint } = explainSkopeo(error.result.stderr, ref);
    throw new MbctlError("tool", `Cannot ${action} image ${JSON.stringify(image)}: skopeo failed`, {
      cause: new Error(reason === "" ? error.message : reason),
      hint: hint ?? error.hint,
    });
  }
}
