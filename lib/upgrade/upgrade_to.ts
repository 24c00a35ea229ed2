/**
 * A machine given another image: what changes is said, then the upgrade is carried out, and taken back where the
 * machine is not well.
 *
 * @module
 */

import { applyChange } from "../change/apply_change.ts";
import type { PresentMachine } from "../change/present_machine.ts";
import { lackingPrograms } from "../connector/lacking_programs.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { MachineImage } from "../image/found_image.ts";
import type { ApplyTools, ImageTools } from "../steps/apply.ts";
import type { TreeSource } from "../steps/plan_tree.ts";
import type { Step } from "../steps/step.ts";
import type { Preference } from "../merge/merge_file.ts";
import { pruneSnapshots } from "../snapshots/forget.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { recordEvent } from "../watch/record_event.ts";
import { formatImageChange, imageChanges } from "./image_changes.ts";
import { prepareUpgrade } from "./prepare_upgrade.ts";

/** An image that was located, and what carries out the steps that need it. */
export interface UsableImage {
  readonly found: MachineImage;
  readonly tree: TreeSource;
  /** Undefined in a dry run. */
  readonly tools: ImageTools | undefined;
}

/** What a machine is to be. */
export interface Target {
  readonly spec: MachineSpec;
  /** What machine.toml is to say. */
  readonly machineToml: string;
}

export interface UpgradeChoices {
  readonly isWithData: boolean;
  /** What counts where the administrator and the new image changed the same. */
  readonly prefer?: Preference | undefined;
  readonly graceMs?: number | undefined;
}

/** The world of an upgrade; `machine` is filled in. */
export interface UpgradeTools extends Omit<ApplyTools, "image" | "machine"> {
  readonly confirm: (message: string) => Promise<boolean>;
  readonly say: (text: string) => void;
  readonly warn: (text: string) => void;
  /** Told the steps in place of their being carried out. */
  readonly showSteps?: ((steps: readonly Step[]) => void) | undefined;
}

/** How an upgrade ended. */
export interface Upgraded {
  readonly state: "up to date" | "pinned" | "upgraded" | "upgraded, not started" | "shown";
  /** Manifest digests. */
  readonly from: string;
  readonly to: string;
}

/**
 * Upgrades a machine, whose lock the caller holds and of which no change is under way.
 *
 * @throws {MbctlError} (failed) when the machine was not well with the new image and is back on the old one;
 * what preparing throws, before anything is changed.
 */
export async function upgradeTo(
  host: Host,
  present: PresentMachine,
  { spec, machineToml }: Target,
  { found, tree, tools: image }: UsableImage,
  choices: UpgradeChoices,
  tools: UpgradeTools,
): Promise<Upgraded> {
  const { name } = present;
  const { reference } = spec.image;
  const { say, warn, showSteps } = tools;
  const [from, to] = [present.spec.image.manifestDigest, found.manifestDigest];
  const { change, notes, isRunning } = await prepareUpgrade(host, {
    ...{ present, spec, machineToml, found, tree, warn },
    ...choices,
  });
  for (const note of notes) say(`${name}: ${note}`);
  if (showSteps !== undefined) {
    showSteps([...change.prepare, ...change.redo]);
    return { state: "shown", from, to };
  }
  await askAboutUser(present, found, spec, tools);
  const fields = { IMAGE: reference, FROM: from, TO: to };
  const record = async (event: "upgrade" | "went-back", message: string) =>
    await recordEvent(host, { event, machine: name, message, fields });
  const applyTools = { ...tools, machine: name, ...(image && { image }) };
  const outcome = await applyChange(change, applyTools);
  if (outcome === "taken back") {
    await record("went-back", `was not well with ${reference}, and is back on what it was`);
    throw new MbctlError(
      "failed",
      `Cannot upgrade "${name}": it was not well with ${reference}, and is back on what it was`,
      { hint: `mbctl machines logs ${name} -n 50 has the last words of both` },
    );
  }
  await record("upgrade", `upgraded to ${reference}`);
  for (const lack of lackingPrograms(host.root, spec, found.config)) warn(`"${name}": ${lack}`);
  try {
    await pruneSnapshots(name, applyTools);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    // The upgrade has succeeded all the same.
    warn(error.message);
  }
  return { state: isRunning ? "upgraded" : "upgraded, not started", from, to };
}

/** Says what a new image wants. */
export function sayChanges(
  { name, image, spec }: PresentMachine,
  { config }: MachineImage,
  reference: string,
  say: (text: string) => void,
): void {
  say(`${name}: ${spec.image.reference} -> ${reference}`);
  const changes = image === undefined ? [] : imageChanges(image.config, config);
  for (const change of changes) say(`${name}:   ${formatImageChange(change)}`);
}

/** Asks where the program would run as another user than the owner of its files. */
async function askAboutUser(
  { name, image }: PresentMachine,
  { config }: MachineImage,
  spec: MachineSpec,
  { warn, confirm }: UpgradeTools,
): Promise<void> {
  const keeps = spec.volumes.some(({ kind }) => kind !== "skip" && kind !== "tmpfs");
  if (image === undefined || spec.user !== undefined || !keeps) return;
  const [before, after] = [image.config.user || "root", config.user || "root"];
  if (before === after) return;
  warn(`"${name}" would run as ${after}, and what it has written belongs to ${before}`);
  if (await confirm(`Upgrade "${name}" although its user changes from ${before} to ${after}?`)) {
    return;
  }
  throw new MbctlError("interrupted", `Nothing was changed of "${name}"`);
}
