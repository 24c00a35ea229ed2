/**
 * Upgrading one machine by its name: what its reference names now is asked for.
 *
 * @module
 */

import { applyChange, recoverChange } from "../change/apply_change.ts";
import { planFiles } from "../change/plan_files.ts";
import { type PresentMachine, readPresentMachine } from "../change/present_machine.ts";
import { pinDeclaration } from "../declare/pin_image.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Digest } from "../image/digest.ts";
import type { MachineImage } from "../image/found_image.ts";
import { formatImageRef, type ImageRef, parseImageRef } from "../image/reference.ts";
import { requireMachines, requireTree } from "../machine/lifecycle.ts";
import { takeMachineLock } from "../machine/lock.ts";
import { machinePaths } from "../paths.ts";
import type { Step } from "../steps/step.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec, Volume } from "../spec/machine_spec.ts";
import { machineTable, parseMachineToml } from "../spec/machine_toml.ts";
import { matchMounts } from "../spec/volume.ts";
import { isPinned } from "./find_outdated.ts";
import { prepareUpgrade } from "./prepare_upgrade.ts";
import {
  sayChanges,
  type Target,
  type UpgradeChoices,
  type Upgraded,
  type UpgradeTools,
  type UsableImage,
  upgradeTo,
} from "./upgrade_to.ts";

/** What the user asked for. */
export interface NamedUpgrade extends UpgradeChoices {
  /** Another reference than the machine's own. */
  readonly to?: ImageRef | undefined;
  /** Where volumes are kept that the new image declares first. */
  readonly mounts: readonly Volume[];
}

export interface NamedUpgradeTools extends UpgradeTools {
  /** The image that a reference names, asked for anew; with a digest, the one that it named once. */
  readonly locate: (ref: ImageRef, digest?: Digest) => Promise<UsableImage & AsyncDisposable>;
  /** Where a new volume is kept. */
  readonly chooseVolume: (name: MachineName, path: string) => Promise<Volume>;
}

/**
 * Upgrades a machine.
 *
 * @throws {MbctlError} as {@linkcode upgradeTo}; (conflict) while another mbctl works on it, and when its machine.toml
 * was edited and not applied; what locating throws.
 */
export async function upgradeMachine(
  host: Host,
  name: MachineName,
  choices: NamedUpgrade,
  tools: NamedUpgradeTools,
): Promise<Upgraded> {
  const isDry = tools.showSteps !== undefined;
  using _lock = isDry ? undefined : takeMachineLock(host.root, name);
  const earlier = isDry ? "nothing" : await recoverChange(host, name, { ...tools, machine: name });
  if (earlier !== "nothing") tools.say(`an earlier run of "${name}" was killed: ${earlier}`);
  requireMachines(host.root, [name]);
  requireTree(host.root, name, "upgrade");
  const present = readPresentMachine(host, name);
  requireApplied(host, present);
  if (present.spec.mode === "base") throw upgradesItself(name);
  const { reference, digest, manifestDigest: from } = present.spec.image;
  const ref = choices.to ?? parseImageRef(reference);
  if (choices.to === undefined && isPinned(ref)) return { state: "pinned", from, to: from };
  await using image = await tools.locate(ref);
  const { found } = image;
  const to = formatImageRef(ref);
  const isOther = found.manifestDigest !== from;
  if (!isOther && reference === to && digest === found.digest) {
    return { state: "up to date", from, to: from };
  }
  const known = present.image === undefined ? await addImage(present, tools) : present;
  if (isOther) sayChanges(known, found, to, tools.say);
  const spec = await newSpec(known.spec, found, to, choices, tools);
  const machineToml = pinDeclaration(present.machineToml, present.spec, spec).text;
  const target = { spec, machineToml };
  return isOther
    ? await upgradeTo(host, known, target, image, choices, tools)
    : await noteImage(host, known, target, image, choices, tools);
}

/** What its image was is no longer what is in its tree. */
function upgradesItself(name: MachineName): MbctlError {
  return new MbctlError(
    "conflict",
    `Cannot upgrade "${name}": it is a whole system, and upgrades itself`,
    {
      hint: `in it, by its own package manager: mbctl machines shell ${name}; mbctl machines snapshot ${name} before keeps a way back`,
    },
  );
}

/** An edit that was not applied is neither lost nor slipped in with an upgrade. */
function requireApplied(host: Host, present: PresentMachine): void {
  const { name, machineToml, appliedToml, spec } = present;
  if (appliedToml === undefined || appliedToml === machineToml) return;
  const file = machinePaths(host.root, name).machineToml;
  if (Bun.deepEquals(machineTable(parseMachineToml(machineToml, file)), machineTable(spec))) return;
  throw new MbctlError(
    "conflict",
    `Cannot upgrade "${name}": ${file} was edited, and that was not applied`,
    { hint: `mbctl machines diff ${name} shows it, mbctl machines apply ${name} applies it` },
  );
}

/** A machine of an older mbctl has not kept its image's configuration. */
async function addImage(
  present: PresentMachine,
  tools: NamedUpgradeTools,
): Promise<PresentMachine> {
  const { reference, digest } = present.spec.image;
  try {
    await using old = await tools.locate(parseImageRef(reference), digest as Digest);
    return { ...present, image: { text: old.found.configText, config: old.found.config } };
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    tools.warn(
      `the image that "${present.name}" was made of is gone: what its files have of it counts as yours, and stays`,
    );
    return present;
  }
}

/** The machine with another image. Volumes that the image declares no more stay. */
async function newSpec(
  present: MachineSpec,
  { digest, manifestDigest, config }: MachineImage,
  reference: string,
  { mounts }: NamedUpgrade,
  { chooseVolume }: NamedUpgradeTools,
): Promise<MachineSpec> {
  const known = new Set(present.volumes.map(({ path }) => path));
  const declared = config.volumes.filter((path) => !known.has(path));
  const { chosen, open } = matchMounts(declared, mounts);
  const added = [...chosen];
  for (const path of open) added.push(await chooseVolume(present.name, path));
  return {
    ...present,
    image: { reference, digest, manifestDigest },
    volumes: [...present.volumes, ...added],
  };
}

/** The same image, by another name or in another index: only the files say so. */
async function noteImage(
  host: Host,
  present: PresentMachine,
  { spec, machineToml }: Target,
  { found, tree }: UsableImage,
  { prefer }: UpgradeChoices,
  tools: UpgradeTools,
): Promise<Upgraded> {
  const { name } = present;
  const { manifestDigest: to } = found;
  const request = { present, spec, machineToml, found, tree, prefer, warn: tools.warn };
  const { rerendering } = await prepareUpgrade(host, request);
  const files = planFiles(machinePaths(host.root, name), {
    ...{ machineToml, rerendering },
    imageText: found.configText,
  });
  const reload: readonly Step[] = host.isLive ? [{ kind: "reload-systemd" }] : [];
  const change = { name, verb: "upgrade", ...files, redo: [...files.redo, ...reload] };
  if (tools.showSteps === undefined) await applyChange(change, { ...tools, machine: name });
  else tools.showSteps([...change.prepare, ...change.redo]);
  return { state: "up to date", from: to, to };
}
