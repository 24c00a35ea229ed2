/**
 * Making a machine anew of its configuration folder.
 *
 * @module
 */

import { applyChange, recoverChange } from "../change/apply_change.ts";
import { MbctlError } from "../errors.ts";
import { nameExists, removeFile } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import type { Digest } from "../image/digest.ts";
import { formatImageRef, type ImageRef, parseImageRef } from "../image/reference.ts";
import type { ApplyTools } from "../steps/apply.ts";
import { requireMachines } from "../machine/lifecycle.ts";
import { takeMachineLock } from "../machine/lock.ts";
import { machinePaths } from "../paths.ts";
import type { CommonFacts } from "../steps/pull.ts";
import type { Step } from "../steps/step.ts";
import { systemSource } from "../steps/system_source.ts";
import type { Preference } from "../merge/merge_file.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { isOsReference } from "../spec/os_reference.ts";
import type { UsableImage } from "../upgrade/upgrade_to.ts";
import { recordEvent } from "../watch/record_event.ts";
import { type KnownImage, prepareRebuild, readRemains, type Remains } from "./prepare_rebuild.ts";

export interface RebuildChoices {
  /** Another image than the one that the machine was made of. */
  readonly to?: ImageRef | undefined;
  readonly prefer?: Preference | undefined;
  /** Whether a machine that is whole is left alone. */
  readonly onlyBroken: boolean;
}

/** The world of a rebuilding; `machine` is filled in. */
export interface RebuildTools extends Omit<ApplyTools, "image" | "machine"> {
  /** What a reference names; with a digest, what it named once. */
  readonly locate: (ref: ImageRef, digest?: Digest) => Promise<UsableImage & AsyncDisposable>;
  readonly confirm: (message: string) => Promise<boolean>;
  readonly say: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly common?: CommonFacts | undefined;
  /** What is left to do with a machine that was rebuilt, while its lock is held. */
  readonly finish?: ((name: MachineName) => Promise<void>) | undefined;
  /** Told the steps in place of their being carried out. */
  readonly showSteps?: ((steps: readonly Step[]) => void) | undefined;
}

/**
 * Rebuilds a machine. A tree that is there stays where only links and the like are missing; where nothing is, it is
 * asked whether it is to be made anew, and the old one is kept as a snapshot. The machine is not started, unless it ran.
 *
 * @throws {MbctlError} (conflict) while another mbctl works on it; (failed) when nobody has its image any more; what
 * preparing throws, before anything is changed.
 */
export async function rebuildMachine(
  host: Host,
  name: MachineName,
  choices: RebuildChoices,
  tools: RebuildTools,
): Promise<"whole" | "rebuilt" | "shown"> {
  const isDry = tools.showSteps !== undefined;
  using _lock = isDry ? undefined : takeMachineLock(host.root, name);
  if (!isDry) await endEarlierChange(host, name, tools);
  requireMachines(host.root, [name]);
  const remains = readRemains(host, name);
  if (remains.isWhole) {
    if (choices.onlyBroken) return "whole";
    await askAboutTree(name, remains.spec.mode === "base", tools);
  }
  const isShown = await rebuildRemains(host, remains, choices, tools);
  if (!isShown) {
    await tools.finish?.(name);
    const message = "rebuilt of its configuration";
    await recordEvent(host, { event: "rebuild", machine: name, message });
  }
  return isShown ? "shown" : "rebuilt";
}

/**
 * Rebuilds what there is of a machine whose lock is held.
 *
 * @returns whether the steps were shown, and not carried out.
 * @throws as {@linkcode rebuildMachine}.
 */
export async function rebuildRemains(
  host: Host,
  remains: Remains,
  choices: Omit<RebuildChoices, "onlyBroken">,
  tools: RebuildTools,
): Promise<boolean> {
  const { name } = remains.present;
  const keepsTree = remains.hasTree && !remains.isWhole;
  await using image =
    keepsTree && remains.present.image !== undefined && choices.to === undefined
      ? undefined
      : await locate(host, name, remains, choices.to, tools);
  const { prefer } = choices;
  const { change, label } = await prepareRebuild(host, remains, {
    image: known(remains, choices.to, image),
    tree: keepsTree ? undefined : image?.tree,
    ...{ prefer, warn: tools.warn, common: tools.common },
  });
  if (tools.showSteps !== undefined) {
    tools.showSteps([...change.prepare, ...change.redo]);
    return true;
  }
  const applyTools = { ...tools, machine: name, ...(image?.tools && { image: image.tools }) };
  await applyChange(change, applyTools);
  if (label !== undefined) tools.say(`${name}: what it was is the snapshot ${label}`);
  return false;
}

/** A change that was under way on a host which is gone cannot always be ended on another one. */
async function endEarlierChange(host: Host, name: MachineName, tools: RebuildTools): Promise<void> {
  const { tree, changeMarker } = machinePaths(host.root, name);
  try {
    const earlier = await recoverChange(host, name, { ...tools, machine: name });
    if (earlier !== "nothing") tools.say(`an earlier run of "${name}" was killed: ${earlier}`);
  } catch (error) {
    if (nameExists(tree) || (error instanceof MbctlError && error.kind === "interrupted")) {
      throw error;
    }
    removeFile(changeMarker);
    tools.warn(`a change of "${name}" had been begun when it lost its tree: it is dropped`);
  }
}

async function askAboutTree(
  name: MachineName,
  isSystem: boolean,
  { confirm }: RebuildTools,
): Promise<void> {
  const message = `"${name}" has all that it needs. Make its root tree anew? The old one is kept as a snapshot${isSystem ? ", and with it all that was installed in it" : ""}.`;
  if (await confirm(message)) return;
  throw new MbctlError("interrupted", `Nothing was changed of "${name}"`);
}

async function locate(
  host: Host,
  name: MachineName,
  { spec }: Remains,
  to: ImageRef | undefined,
  tools: RebuildTools,
): Promise<UsableImage & AsyncDisposable> {
  if (to !== undefined) return await tools.locate(to);
  const { reference, digest } = spec.image;
  if (isOsReference(reference)) {
    return { ...(await systemSource(host, spec)), async [Symbol.asyncDispose]() {} };
  }
  try {
    return await tools.locate(parseImageRef(reference), digest as Digest);
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    throw new MbctlError(
      "failed",
      `Cannot rebuild "${name}": neither the store nor a registry gives the image that it was made of, ${reference} with ${digest}`,
      {
        cause: error,
        hint: `mbctl machines rebuild ${name} --to ${reference} takes what that names now; or bring the image: mbctl oci load FILE`,
      },
    );
  }
}

function known(
  { spec, present }: Remains,
  to: ImageRef | undefined,
  image: UsableImage | undefined,
): KnownImage {
  const reference = to === undefined ? spec.image.reference : formatImageRef(to);
  if (image === undefined) {
    if (present.image === undefined) throw new TypeError("an image that is not known is located");
    return { ...spec.image, ...present.image, reference };
  }
  const { digest, manifestDigest, config, configText: text } = image.found;
  return { reference, digest, manifestDigest, config, text };
}
