/** What verbs that take an IMAGE have in common: how to reach it, what is done with one that was located. */

import { resolve } from "node:path";
import type { VerbContext } from "../lib/cli/context.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import type { Host } from "../lib/host/host.ts";
import { hostPlatform } from "../lib/image/platform.ts";
import { parseImageRef } from "../lib/image/reference.ts";
import { applySteps, type ImageTools } from "../lib/steps/apply.ts";
import type { Step } from "../lib/steps/step.ts";
import type { LocatedImage, LocateTools } from "../lib/pull/locate_image.ts";
import { pullPolicies } from "../lib/pull/pull_policy.ts";
import { saveImage } from "../lib/pull/save_image.ts";
import { storeTree, touchStoredTree } from "../lib/pull/stored_tree.ts";
import {
  fetchImage,
  rememberImage,
  unpackImage,
  type UnpackTools,
} from "../lib/pull/unpack_image.ts";
import type { SourceOptions } from "../lib/registry/skopeo.ts";
import { isOpen, type OpenStore, openStore, type Store, storeBelow } from "../lib/store/store.ts";
import { imageProgress } from "./_layer_progress.ts";
import { printSteps } from "./_print_steps.ts";

/** The operand IMAGE, as each verb shows it. */
export const imageOperand = {
  kind: "image",
  help: "REGISTRY/NAME:TAG or @DIGEST, oci:DIR, oci-archive:FILE, docker-archive:FILE or dir:DIR",
  parse: parseImageRef,
} as const;

/** How to reach a registry; spelled as podman and skopeo spell them. */
export const sourceFlags = {
  tlsVerify: {
    type: "boolean",
    tristate: true,
    help: "--tls-verify=false accepts plain HTTP and any certificate",
  },
  authfile: {
    type: "string",
    value: "FILE",
    kind: "file",
    help: "the registry accounts, instead of skopeo's own choice",
  },
} as const satisfies FlagSpecs;

/** When to ask the registry; podman's words. */
export const pullFlag = {
  pull: {
    type: "choice",
    choices: pullPolicies,
    default: "missing",
    value: "WHEN",
    help: "ask the registry: always, only for what is missing in the store, never, or whether there is a newer image",
  },
} as const satisfies FlagSpecs;

/** The flags as the registry room takes them. */
export function sourceOptions(
  context: VerbContext,
  flags: { readonly tlsVerify: boolean | undefined; readonly authfile: string | undefined },
): SourceOptions {
  return {
    platform: hostPlatform(process.arch),
    tlsVerify: flags.tlsVerify,
    authFile:
      flags.authfile === undefined ? undefined : resolve(context.workingDirectory, flags.authfile),
    signal: context.signal,
  };
}

/**
 * The image store: open for as long as it is not disposed of, so that nothing is
 * pruned meanwhile; for a dry run only to be looked at.
 */
export async function imageStore(
  context: VerbContext,
  host: Host,
): Promise<OpenStore | (Store & Disposable)> {
  const { dryRun, log, signal } = context;
  const onDamage = (text: string) => log.warn(text);
  if (dryRun) return { ...storeBelow(host.root, { onDamage }), [Symbol.dispose]() {} };
  const onWait = (text: string) => log.info(text);
  return await openStore(host.root, "shared", { onDamage, onWait, signal });
}

/** What images are located with. */
export function locateTools(context: VerbContext, host: Host, store: Store): LocateTools {
  const { log } = context;
  return {
    ...host,
    store,
    warn: (text) => log.warn(text),
    debug: (text) => log.debug(text),
  };
}

/**
 * Carries out steps with an image that was located; in a dry run shows them.
 *
 * @returns whether they were carried out.
 */
export async function applyImageSteps(
  context: VerbContext,
  host: Host,
  store: Store,
  located: LocatedImage,
  steps: readonly Step[],
): Promise<boolean> {
  if (!isOpen(store)) {
    printSteps(context, steps);
    return false;
  }
  await applySteps(steps, {
    host,
    image: imageTools(context, host, store, located),
    signal: context.signal,
    onStep: (text) => context.log.debug(text),
  });
  return true;
}

/** What is done with an image that was located, with a line of progress for each layer. */
export function imageTools(
  context: VerbContext,
  host: Host,
  store: OpenStore,
  located: LocatedImage,
): ImageTools {
  const warn = (text: string) => context.log.warn(text);
  const progress = imageProgress(context, located.found.manifest);
  const tools: UnpackTools = {
    ...{ spawn: host.spawn, store, located, warn, signal: context.signal },
    watch: progress.watch,
  };
  return {
    fetch: () => fetchImage(tools),
    unpack: (tree) => progress.unpacking(() => unpackImage(tools, tree)),
    unpackInto: (tree) => progress.unpacking(() => unpackImage(tools, tree, "part")),
    storeTree: () => progress.unpacking(() => storeTree(tools, (text) => context.log.info(text))),
    save: (path, format) => saveImage(tools, path, format),
    remember() {
      rememberImage(tools);
      touchStoredTree(tools);
    },
  };
}
