/**
 * Preparing the rebuilding of a machine: everything is read, merged and checked before anything is changed.
 *
 * @module
 */

import { completeApps } from "../spec/app_spec.ts";
import type { Change } from "../change/apply_change.ts";
import { type PresentMachine, readPresentMachine } from "../change/present_machine.ts";
import { requireNoConflicts, rerender } from "../change/rerender.ts";
import { pinDeclaration } from "../declare/pin_image.ts";
import { planVolumes } from "../declare/plan_volumes.ts";
import { MbctlError } from "../errors.ts";
import { nameExists, readLinkIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import type { ImageConfig } from "../image/config.ts";
import { healthDropInName } from "../health/health_files.ts";
import { planBoot } from "../steps/plan_boot.ts";
import { readMachineSpecs } from "../machine/inventory.ts";
import { type MachinePaths, machinePaths } from "../paths.ts";
import { treeFitting, type TreeSource } from "../steps/plan_tree.ts";
import { requireNoClash } from "../machine/free_name.ts";
import { type CommonFacts, readMachineFacts } from "../steps/pull.ts";
import { treeNeeds } from "../render/tree_needs.ts";
import { requireChoices } from "../steps/require_choices.ts";
import type { Preference } from "../merge/merge_file.ts";
import { formatIpv4, type Ipv4, overlapsIpv4 } from "../network/ipv4.ts";
import { renumberEnvFile } from "../network/renumber_text.ts";
import { keepCurrent } from "../snapshots/keep_current.ts";
import { requireNoMounts } from "../snapshots/mounts.ts";
import { presentSnapshot } from "../snapshots/prepare_rollback.ts";
import { readRunning } from "../snapshots/running.ts";
import { readUnitFiles } from "../snapshots/unit_files.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { parseDeclaration } from "../spec/machine_toml.ts";
import { volumeSource } from "../spec/volume.ts";
import { planRebuild } from "./plan_rebuild.ts";

/** A machine as its configuration folder says it is. */
export interface Remains {
  readonly present: PresentMachine;
  /** What machine.toml says now; its image may be missing there, and is then that which was applied last. */
  readonly spec: MachineSpec;
  readonly hasTree: boolean;
  /** Whether all else is in its place too: links, and the unit's drop-in. */
  readonly isWhole: boolean;
}

/**
 * Reads what there is of a machine. Its unit's drop-in may be left in the configuration folder alone.
 *
 * @throws {MbctlError} (usage) when there is no such machine, or its files cannot be read.
 */
export function readRemains(host: Host, name: MachineName): Remains {
  const paths = machinePaths(host.root, name);
  const present = readPresentMachine(host, name);
  const kept = readUnitFiles(paths.applied.units).find((file) => isOwnDropIn(paths, file.name));
  const unitDropIn = present.ours.unitDropIn || (kept?.text ?? "");
  const declared = parseDeclaration(present.machineToml, paths.machineToml, name);
  const { reference, digest, manifestDigest } = declared.image;
  const applied = present.spec.image;
  const hasTree = nameExists(paths.tree);
  return {
    present: { ...present, ours: { ...present.ours, unitDropIn } },
    spec: {
      ...declared,
      name,
      image: {
        reference,
        digest: digest ?? applied.digest,
        manifestDigest: manifestDigest ?? applied.manifestDigest,
      },
      apps: completeApps(declared.apps, present.spec.apps),
    },
    hasTree,
    isWhole: hasTree && [paths.machineLink, paths.nspawnLink, paths.unitDropIn].every(nameExists),
  };
}

/** The image of a machine, as far as its files need it. */
export interface KnownImage {
  readonly reference: string;
  readonly digest: string;
  readonly manifestDigest: string;
  readonly config: ImageConfig;
  /** The configuration's blob, verbatim. */
  readonly text: string;
}

export interface RebuildRequest {
  readonly image: KnownImage;
  /** Undefined: the tree that is there stays. */
  readonly tree: TreeSource | undefined;
  /** What counts where the administrator and mbctl changed the same. */
  readonly prefer?: Preference | undefined;
  readonly common?: CommonFacts | undefined;
  readonly warn: (text: string) => void;
}

export interface PreparedRebuild {
  readonly change: Change;
  readonly spec: MachineSpec;
  /** The snapshot that keeps the tree that is there. */
  readonly label: string | undefined;
}

/**
 * Prepares the rebuilding of a machine of an image that was found.
 *
 * @throws {MbctlError} (conflict) for edits that cannot be merged, and for names that something else has, (usage) for
 * volumes that cannot be, (host) when the host lacks something.
 */
export async function prepareRebuild(
  host: Host,
  { present, spec: declared, hasTree }: Remains,
  request: RebuildRequest,
): Promise<PreparedRebuild> {
  const { name } = present;
  const { image, tree, prefer, warn, common } = request;
  const paths = machinePaths(host.root, name);
  requireOwnNames(name, paths);
  // The host may be another one than that for which the name was chosen.
  requireNoClash(host, name);
  const ipv4 = usableIpv4(host, declared, warn);
  const facts = await readMachineFacts(host, name, declared, ipv4, warn, common);
  const { ipv4: _, ...rest } = declared;
  const { staticIpv4 } = facts;
  const { reference, digest, manifestDigest, config } = image;
  const spec: MachineSpec = {
    ...rest,
    image: { reference, digest, manifestDigest },
    ...(staticIpv4 === undefined ? {} : { ipv4: staticIpv4 }),
  };
  for (const text of requireChoices(host.root, spec, config)) warn(`"${spec.name}": ${text}`);
  const { ours } = present;
  const prefixes = { MAN8S_YGGDRASIL_ADDRESS: facts.prefix, MAN8S_ULA_ADDRESS: facts.ula };
  const moved = { ...ours, envFile: renumberEnvFile(ours.envFile, prefixes).text };
  const rerendering = rerender({ ...present, ours: moved }, spec, config, facts, prefer);
  requireNoConflicts(name, rerendering, prefer);
  const machineToml = pinDeclaration(present.machineToml, declared, spec).text;
  const isRunning = await readRunning(host, name, "rebuild");
  const isReplaced = hasTree && tree !== undefined;
  if (isReplaced) requireNoMounts([paths.tree], "move");
  const onHost = readUnitFiles(paths.unitDropInFolder);
  const snapshot = isReplaced
    ? presentSnapshot(host.root, name, present.spec.image, "reset", false)
    : undefined;
  const change = planRebuild({
    ...{ root: host.root, isLive: host.isLive, isRunning, spec, tree },
    fitting: treeFitting(spec, facts, treeNeeds(spec, config)),
    files: { machineToml, rerendering, imageText: image.text },
    volumes: planMissingVolumes(
      tree === undefined ? paths : { ...paths, tree: paths.stagedTree },
      present.spec,
      spec,
      warn,
    ),
    unitFiles: readUnitFiles(paths.applied.units).filter(
      (file) =>
        !isOwnDropIn(paths, file.name) &&
        file.name !== healthDropInName &&
        !onHost.some((present) => present.name === file.name),
    ),
    kept:
      snapshot &&
      keepCurrent({
        ...{ paths, snapshot, unitFiles: onHost },
        tree: "none",
        configuration: "clone",
      }),
    boot: planBoot(host, name, spec.boot),
  });
  return { change, spec, label: snapshot?.label };
}

/** Our own drop-in is rendered anew, and merged. */
function isOwnDropIn({ unitDropIn }: MachinePaths, file: string): boolean {
  return unitDropIn.endsWith(`/${file}`);
}

/** Volumes whose folders are gone are filled from the image again: the machine could not start without them. */
function planMissingVolumes(
  paths: MachinePaths,
  before: MachineSpec,
  spec: MachineSpec,
  warn: (text: string) => void,
) {
  const { moves } = planVolumes(paths, before.volumes, spec.volumes, nameExists);
  if (moves.length > 0) {
    throw new MbctlError(
      "conflict",
      `Cannot rebuild "${spec.name}": its machine.toml was edited to move data, ${moves.join("; ")}`,
      {
        hint: `take that back first; when it is rebuilt, edit and mbctl machines apply ${spec.name}`,
      },
    );
  }
  const there = spec.volumes.filter((volume) => {
    const source = volumeSource(paths, volume);
    if (source === undefined || nameExists(source)) return true;
    if (spec.mode === "base") requireNotShared(paths, spec.name, source);
    warn(`"${spec.name}" has lost ${source}: the volume ${volume.path} is as the image has it`);
    return false;
  });
  return planVolumes(paths, there, spec.volumes, nameExists);
}

/**
 * Makes nothing in a folder that a whole system writes to: a link of its own there would lead to folders of the host.
 *
 * @throws {MbctlError} (conflict)
 */
function requireNotShared({ storage, appFolder }: MachinePaths, name: string, source: string) {
  const outer = [storage, appFolder].find((path) => source.startsWith(`${path}/`));
  if (outer === undefined || !nameExists(outer)) return;
  throw new MbctlError(
    "conflict",
    `Cannot rebuild "${name}": it has lost ${source}, and may have made links in ${outer}`,
    { hint: `stop it, and look there; without links: mkdir -p ${source}` },
  );
}

/** The fixed address of a machine, unless this host has another network or another machine has it. */
function usableIpv4(
  host: Host,
  { name, ipv4 }: MachineSpec,
  warn: (text: string) => void,
): Ipv4 | undefined {
  if (ipv4 === undefined) return undefined;
  const other = readMachineSpecs(host.root).find((one) => one.name !== name && one.ipv4 === ipv4);
  const isHere = overlapsIpv4({ address: ipv4, length: 32 }, host.config.ipv4);
  if (isHere && other === undefined) return ipv4;
  const why = other === undefined ? "is not in this host's network" : `is that of "${other.name}"`;
  warn(`${formatIpv4(ipv4)} of "${name}" ${why}: it gets another address`);
  return undefined;
}

/** @throws {MbctlError} (conflict) where something stands that mbctl did not make. */
function requireOwnNames(name: MachineName, paths: MachinePaths): void {
  for (const path of [paths.machineLink, paths.nspawnLink]) {
    if (!nameExists(path) || readLinkIfPresent(path) !== undefined) continue;
    throw new MbctlError("conflict", `Cannot rebuild "${name}": ${path} is there, and no link`, {
      hint: "move it away: mbctl did not make it",
    });
  }
}
