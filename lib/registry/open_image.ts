/**
 * Opening an image: all about it but the contents of its layers, and a way to
 * these.
 *
 * @module
 */

import { realpathSync } from "node:fs";
import type { Run } from "../host/run.ts";
import type { Spawn } from "../host/spawn.ts";
import type { BlobSource } from "../image/blob_source.ts";
import {
  assembleImage,
  type Document,
  followIndexes,
  type FoundImage,
} from "../image/found_image.ts";
import { formatImageRef, type ImageRef, type LocalRef } from "../image/reference.ts";
import { type AppliedPolicy, askSkopeo, demandsNothing } from "./ask_skopeo.ts";
import { type LocalImage, openLocalImage } from "./local_image.ts";
import { formatVerification, ruleFor, type Verification } from "./policy.ts";
import { unpackArchive } from "./plain_archive.ts";
import { type PolicyFile, readPolicy } from "./read_policy.ts";
import type { Source, SourceOptions } from "./skopeo.ts";

/** What images are opened with. */
export interface ImageTools {
  readonly run: Run;
  readonly spawn: Spawn;
}

/** What is known of an image, and where its blobs are. */
export interface ImageContents extends AsyncDisposable {
  readonly found: FoundImage;
  /** The indexes that lead to the manifest, outermost first, and the manifest. */
  readonly documents: readonly Document[];
  /** Where its blobs come from. Nothing in them is verified. */
  readonly blobs: BlobSource;
}

/** An image that was opened. Disposing of it ends the talk with its source. */
export interface OpenedImage extends ImageContents {
  /** The rule of policy.json by which it was taken; undefined where only skopeo knows. */
  readonly verification: Verification | undefined;
  /** The same in words: `signedBy (docker:example.com in /etc/containers/policy.json)`. */
  readonly verifiedBy: string | undefined;
}

/**
 * Opens an image: its manifest for the platform asked for, and its configuration,
 * every digest compared; under the host's policy.json.
 *
 * @throws {MbctlError} of kind "tool" when skopeo fails (unknown tag, registry
 * down, wrong password, TLS, refused by the policy, …), "usage" when the image is of
 * another platform or none that mbctl understands, "failed" when its tag moved meanwhile.
 */
export async function openImage(
  tools: ImageTools,
  ref: ImageRef,
  options: SourceOptions,
): Promise<OpenedImage> {
  const policyFile = readPolicy(options.policyFile);
  const verification = policyFile && ruleOf(policyFile, ref);
  const image = formatImageRef(ref);
  const source: Source = { ...options, ref, image, policyFile: policyFile?.file };
  const contents = await openContents(tools, source, { policyFile, verification });
  return {
    ...contents,
    verification,
    verifiedBy: verification && formatVerification(verification),
  };
}

async function openContents(
  tools: ImageTools,
  source: Source,
  policy: AppliedPolicy,
): Promise<ImageContents> {
  const { ref, platform, image } = source;
  if (ref.transport === "docker") return await askSkopeo(tools, source, policy);
  const isFree = demandsNothing(policy, ref);
  const local = isFree && (await openLocalImage(ref, platform, image));
  if (local) return await readLocal(local, source);
  // A copy of an archive is somewhere else: a rule for its path would not apply to it.
  const plain = isArchive(ref, isFree) ? await unpackArchive(ref.path, source) : undefined;
  if (plain === undefined) return await askSkopeo(tools, source, policy);
  try {
    const unpacked = { ...ref, path: plain.path };
    const own = isFree && (await openLocalImage(unpacked, platform, image));
    const contents = own
      ? await readLocal(own, source)
      : await askSkopeo(tools, { ...source, ref: unpacked }, policy, ref);
    return {
      ...contents,
      async [Symbol.asyncDispose]() {
        await contents[Symbol.asyncDispose]();
        await plain[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await plain[Symbol.asyncDispose]();
    throw error;
  }
}

function isArchive(ref: LocalRef, isFree: boolean): boolean {
  return ref.transport === "docker-archive" || (isFree && ref.transport === "oci-archive");
}

async function readLocal(
  local: LocalImage,
  { ref, platform, image }: Pick<Source, "ref" | "platform" | "image">,
): Promise<ImageContents> {
  try {
    const { digest } = local;
    const top = { digest, text: await local.readText(digest) };
    const path = await followIndexes(top, platform, image, local.readText);
    const configText = await local.readText(path.manifest.config.digest);
    const found = assembleImage({ ref, digest, ...path, configText }, platform);
    return {
      found,
      documents: path.documents,
      blobs: local.blobs,
      [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
    };
  } catch (error) {
    await local[Symbol.asyncDispose]();
    throw error;
  }
}

function ruleOf({ file, policy }: PolicyFile, ref: ImageRef): Verification | undefined {
  return policy && ruleFor(policy, withoutLinks(ref), file);
}

/** skopeo compares the path of a local image as realpath(3) gives it. */
function withoutLinks(ref: ImageRef): ImageRef {
  if (ref.transport === "docker") return ref;
  try {
    return { ...ref, path: realpathSync(ref.path) };
  } catch {
    return ref;
  }
}
