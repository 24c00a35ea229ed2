/**
 * Opening an image by skopeo, with its accounts, mirrors, certificates and policy.
 *
 * Two of them at once: a proxy, which applies the policy and hands out blobs but
 * converts what it tells of manifests; and `skopeo inspect`, which gives the very
 * bytes of what the reference names.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { type Digest, digestAlgorithm, digestOf } from "../image/digest.ts";
import {
  assembleImage,
  brokenImage,
  type DocumentPath,
  followIndexes,
} from "../image/found_image.ts";
import type { ImageRef } from "../image/reference.ts";
import { changed, checkPolicy } from "./check_policy.ts";
import { readLocalManifest } from "./local_blob.ts";
import type { ImageContents, ImageTools } from "./open_image.ts";
import { takesAnything, type Verification } from "./policy.ts";
import { explainProxy, type OpenProxy, openProxy, ProxyBlobs } from "./proxy_blobs.ts";
import { ProxyError } from "./proxy_channel.ts";
import type { PolicyFile } from "./read_policy.ts";
import { pinnedSource, type Source, skopeoInspect } from "./skopeo.ts";
import { explainRefusal } from "./skopeo_errors.ts";

/** A proxy that has an image open, and the manifest that it chose. */
interface AskedProxy extends OpenProxy {
  readonly source: Source;
  readonly digest: Digest;
  /** The manifest's text, where it is none that was converted. */
  readonly text: string | undefined;
}

/** The policy of the host, and what it says of an image. */
export interface AppliedPolicy {
  /** The file, where one was found. */
  readonly policyFile: PolicyFile | undefined;
  /** The rule of it that applies, where it is known. */
  readonly verification: Verification | undefined;
}

/** Whether a policy is known to demand nothing of any image of the same transport. */
export function demandsNothing({ policyFile }: AppliedPolicy, { transport }: ImageRef): boolean {
  return policyFile?.policy !== undefined && takesAnything(policyFile.policy, transport);
}

/**
 * Opens an image by skopeo.
 *
 * @param named what the user named, where skopeo is given something else.
 */
export async function askSkopeo(
  tools: ImageTools,
  source: Source,
  policy: AppliedPolicy,
  named: ImageRef = source.ref,
): Promise<ImageContents> {
  const { ref, platform, image } = source;
  const { verification } = policy;
  const asking = askProxy(tools, source);
  // Heard of below, after what inspecting says.
  asking.catch(() => {});
  let asked: AskedProxy | undefined;
  try {
    const text = await skopeoInspect(tools.run, source);
    const digest =
      ref.transport === "docker" && ref.digest !== undefined ? ref.digest : digestOf(text);
    const path = await followIndexes({ digest, text }, platform, image, (each) =>
      readManifest(tools, source, each, asking),
    );
    asked = await chosen(tools, asking, source, path, verification);
    const config = await asked.proxy.readBlob(asked.image, path.manifest.config);
    const configText = Buffer.from(config).toString();
    const found = assembleImage({ ref: named, digest, ...path, configText }, platform);
    if (!asked.proxy.hasPolicy && !demandsNothing(policy, ref)) {
      await checkPolicy(tools.run, source, found);
    }
    const blobs = new ProxyBlobs(tools.spawn, asked.source, found.manifestDigest, asked);
    const { documents } = path;
    return { found, documents, blobs, [Symbol.asyncDispose]: async () => blobs[Symbol.dispose]() };
  } catch (error) {
    asked?.proxy[Symbol.dispose]();
    asking.then(({ proxy }) => proxy[Symbol.dispose]()).catch(() => {});
    throw explainRefusal(explainProxy(error, "read", source), image, verification);
  }
}

async function askProxy({ spawn }: ImageTools, source: Source): Promise<AskedProxy> {
  const open = await openProxy(spawn, source);
  try {
    const { digest, bytes } = await open.proxy.readManifest(open.image);
    const text = Buffer.from(bytes).toString();
    const isVerbatim = digestOf(text, digestAlgorithm(digest)) === digest;
    return { ...open, source, digest, text: isVerbatim ? text : undefined };
  } catch (error) {
    open.proxy[Symbol.dispose]();
    throw error;
  }
}

/**
 * The proxy that has the very manifest open that we chose. skopeo may choose
 * another of an index; a tag may have moved between the two questions.
 */
async function chosen(
  tools: ImageTools,
  asking: Promise<AskedProxy>,
  source: Source,
  path: DocumentPath,
  verification: Verification | undefined,
): Promise<AskedProxy> {
  const pinned = pinnedSource(source, path.manifestDigest);
  // skopeo knows no index in an index.
  if (path.documents.length > 2 && pinned !== source) return await askProxy(tools, pinned);
  const asked = await asking;
  if (asked.digest === path.manifestDigest) return asked;
  asked.proxy[Symbol.dispose]();
  // What the policy took is not what we have.
  if (pinned === source || (verification?.isSigned !== false && !lists(path, asked.digest))) {
    throw changed(source.image);
  }
  return await askProxy(tools, pinned);
}

/** Whether an index on the way to a manifest names another one. */
function lists({ documents }: DocumentPath, digest: Digest): boolean {
  return documents.slice(0, -1).some(({ text }) => text.includes(`"${digest}"`));
}

async function readManifest(
  tools: ImageTools,
  source: Source,
  digest: Digest,
  asking: Promise<AskedProxy>,
): Promise<string> {
  const asked = await asking.catch((error: unknown) => {
    if (error instanceof ProxyError) return undefined;
    throw error;
  });
  if (asked?.digest === digest && asked.text !== undefined) return asked.text;
  const { ref, image } = source;
  if (ref.transport === "docker") {
    return await skopeoInspect(tools.run, pinnedSource(source, digest));
  }
  try {
    return await readLocalManifest(tools.run, ref, digest);
  } catch (error) {
    if (error instanceof MbctlError && error.kind === "interrupted") throw error;
    throw brokenImage(image, `the manifest ${digest} is not in it`, error);
  }
}
