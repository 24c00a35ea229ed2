/**
 * Taking over a machine that mbctl did not make: one of the earlier mbctl, which was written in Python, or one that
 * somebody made by hand for systemd-nspawn.
 *
 * @module
 */

import process from "node:process";
import { lstatSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { applyChange, type Change } from "../change/apply_change.ts";

import { readTemplate } from "../config/read_template.ts";
import { parseEnvFile } from "../env/env_file.ts";
import { MbctlError, usageError } from "../errors.ts";
import { nameExists, nearestFolder, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { parseImageConfigText } from "../image/config.ts";
import { unknownDigest } from "../image/digest.ts";
import { hostPlatform } from "../image/platform.ts";
import { formatImageRef, type ImageRef, parseImageRef } from "../image/reference.ts";
import { INIT_PATH } from "../init/init_files.ts";
import { type ApplyTools, applySteps } from "../steps/apply.ts";
import { foldersBelow, type MachinePaths, machinePaths } from "../paths.ts";
import { requireNoClash } from "../machine/free_name.ts";
import { type PullFacts, readMachineFacts } from "../steps/pull.ts";
import { renderMachine } from "../render/render.ts";
import { treeNeeds } from "../render/tree_needs.ts";
import { nspawnWords, readNspawn } from "../nspawn/read.ts";
import { readRunning } from "../snapshots/running.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { defaultNetworkChoices, type MachineSpec } from "../spec/machine_spec.ts";
import { formatMachineToml } from "../spec/machine_toml.ts";
import { type AdoptedSettings, readAdopted } from "./adopted_settings.ts";
import { adoptedFiles, imageTextOf, keptLines } from "./adopted_files.ts";
import { planAdopt } from "./plan_adopt.ts";

export interface AdoptRequest {
  readonly name: MachineName;
  /** Whether man8s-init takes the place of its own init. */
  readonly takesInit: boolean;
  /** The image, where its files do not say it or say it wrongly. */
  readonly image?: ImageRef | undefined;
  /** Told what may surprise later. */
  readonly warn: (text: string) => void;
}

export interface PreparedAdoption {
  readonly change: Change;
  readonly machineToml: string;
  /** A line for each thing that machine.toml cannot say, and what becomes of it. */
  readonly notes: readonly string[];
}

/**
 * Plans the taking over of a machine.
 *
 * @throws {MbctlError} (usage) when there is no such machine, or a file of it cannot be read; (conflict) when mbctl has
 * it already, or its tree would have to move while it runs; (host) when the host lacks something.
 */
export async function prepareAdoption(
  host: Host,
  { name, takesInit, image, warn }: AdoptRequest,
): Promise<PreparedAdoption> {
  const { root, isLive } = host;
  const paths = machinePaths(root, name);
  if (nameExists(paths.machineToml)) {
    throw new MbctlError("conflict", `Cannot adopt "${name}": it is a machine of mbctl already`, {
      hint: `mbctl machines show ${name}`,
    });
  }
  requireNoClash(host, name);
  const tree = findTree(paths, name);
  const nspawn = nspawnOf(paths) ?? "";
  const envText = readTextIfPresent(paths.envFile, "latin1") ?? "";
  const environment = parseEnvFile(readTextIfPresent(paths.envFile) ?? "", paths.envFile);
  const settings = readAdopted(
    { nspawn: Buffer.from(nspawn, "latin1").toString(), environment },
    machinePaths("/", name),
    host.config.bridge,
  );
  if (tree !== paths.tree) await requireMovable(host, name, tree, paths);
  if (takesInit && settings.isBooted) {
    throw usageError(
      `Cannot give "${name}" man8s-init: it boots an init of its own, as a whole system`,
      "leave out --init",
    );
  }
  const notes = [...settings.notes];
  const spec = specOf(root, name, settings, image, notes);
  const facts = await readMachineFacts(host, name, spec, undefined, warn);
  const imageText = imageTextOf(settings, hostPlatform(process.arch));
  const config = parseImageConfigText(imageText);
  const rendered = renderMachine(spec, config, facts);
  const merged = adoptedFiles({
    ours: {
      nspawn,
      envFile: envText,
      unitDropIn: readTextIfPresent(paths.unitDropIn, "latin1") ?? "",
    },
    rendered,
    settings,
    takesInit,
    isShifted: statSync(tree).uid !== 0,
  });
  const machineToml = formatMachineToml(spec);
  return {
    machineToml,
    notes: [
      ...notes,
      ...(takesInit ? [] : initNotes(nspawn, settings)),
      ...keptLines(settings, rendered.nspawn).map(
        ({ section, key, value }) => `kept as it stands: [${section}] ${key}=${value}`,
      ),
    ],
    change: planAdopt({
      ...{ root, isLive, name },
      files: { machineToml, imageText, rerendering: { rendered, merged, conflicts: [] } },
      treeFrom: tree === paths.tree ? undefined : tree,
      hasConfiguration: nameExists(paths.configuration),
      init: takesInit ? initOf(facts, spec, config) : undefined,
    }),
  };
}

/** Which init the machine keeps. */
function initNotes(nspawn: string, { isBooted }: AdoptedSettings): string[] {
  if (isBooted) return ["it boots an init of its own: mbctl gives it no address and no variables"];
  const words = nspawnWords(readNspawn(nspawn), "Exec.Parameters");
  if (words[0] === INIT_PATH) return [];
  const init = words.length === 0 ? "systemd-nspawn's own choice" : words[0];
  return [`its init stays ${init}: --init gives it man8s-init, which sets addresses and variables`];
}

/** Carries an adoption out. */
export async function applyAdoption(change: Change, tools: ApplyTools): Promise<void> {
  // The journal lies in it, and a host may have no machine of ours yet.
  const path = foldersBelow(tools.host.root).configurations;
  await applySteps([{ kind: "make-directory", path, mode: 0o700 }], tools);
  await applyChange(change, tools);
}

function initOf(facts: PullFacts, spec: MachineSpec, config: Parameters<typeof treeNeeds>[1]) {
  return { busybox: facts.busybox, needs: treeNeeds(spec, config) };
}

function specOf(
  root: string,
  name: MachineName,
  { app, volumes, environment, reference, template }: AdoptedSettings,
  image: ImageRef | undefined,
  notes: string[],
): MachineSpec {
  return {
    ...defaultNetworkChoices,
    ...app,
    name,
    template: knownTemplate(root, template, notes),
    image: {
      reference: referenceOf(name, image, reference, notes),
      digest: unknownDigest,
      manifestDigest: unknownDigest,
    },
    environment,
    volumes,
  };
}

function knownTemplate(root: string, template: string, notes: string[]): string {
  try {
    return readTemplate(root, template).name;
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    notes.push(
      `its template ${template} is not known here: network_isolated, and its lines are kept`,
    );
    return defaultNetworkChoices.template;
  }
}

function referenceOf(
  name: MachineName,
  image: ImageRef | undefined,
  found: string | undefined,
  notes: string[],
): string {
  if (image !== undefined) return formatImageRef(image);
  try {
    if (found !== undefined) {
      const reference = formatImageRef(parseImageRef(found));
      notes.push(
        `which ${reference} it was made of is not known: mbctl machines upgrade takes today's`,
      );
      return reference;
    }
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    notes.push(`its image ${JSON.stringify(found)} cannot be read`);
  }
  notes.push("its image is not known: rebuild and upgrade need --to IMAGE; --image says it now");
  return `localhost/${name.toLowerCase()}:adopted`;
}

/**
 * The file that systemd reads (systemd.nspawn(5)), which of the earlier mbctl is a link to its own; latin1.
 *
 * @throws {MbctlError} (conflict) where that is another file than the one in the configuration folder.
 */
function nspawnOf(paths: MachinePaths): string | undefined {
  const read = (path: string) => readTextIfPresent(path, "latin1");
  const [own, etc] = [read(paths.nspawn), read(paths.nspawnLink)];
  if (own !== undefined && etc !== undefined && own !== etc) {
    throw new MbctlError(
      "conflict",
      `Cannot adopt: ${paths.nspawnLink} is not ${paths.nspawn}, and only one of them can stay`,
      { hint: "systemd reads the first; remove the one that does not count" },
    );
  }
  return own ?? etc ?? read(`${paths.machineLink}.nspawn`);
}

/** Where the machine's root tree lies. */
function findTree(paths: MachinePaths, name: MachineName): string {
  if (isFolder(paths.tree)) return paths.tree;
  if (isFolder(paths.machineLink)) return paths.machineLink;
  if (nameExists(paths.machineLink)) {
    const target = realpathSync(paths.machineLink);
    if (isFolder(target)) return target;
  }
  if (nameExists(`${paths.machineLink}.raw`)) {
    throw new MbctlError("host", `Cannot adopt "${name}": it is a disk image`, {
      hint: `unpack ${paths.machineLink}.raw into a folder of that name first`,
    });
  }
  throw usageError(
    `Cannot adopt "${name}": there is no such machine`,
    `its root tree would be ${paths.tree} or ${paths.machineLink}`,
  );
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** @throws {MbctlError} (conflict) for a tree that cannot be renamed into its place now. */
async function requireMovable(
  host: Host,
  name: MachineName,
  tree: string,
  paths: MachinePaths,
): Promise<void> {
  if (await readRunning(host, name, "adopt")) {
    throw new MbctlError(
      "conflict",
      `Cannot adopt "${name}" while it runs: its tree moves from ${tree} to ${paths.tree}`,
      { hint: `systemctl stop systemd-nspawn@${name}.service` },
    );
  }
  const device = (path: string) => statSync(path).dev;
  if (device(tree) === device(nearestFolder(paths.tree))) return;
  throw new MbctlError(
    "conflict",
    `Cannot adopt "${name}": ${tree} is on another file system than ${dirname(paths.tree)}`,
    { hint: `copy it first: cp -a --sparse=always ${tree} ${join(dirname(paths.tree), name)}` },
  );
}
